/* The CAN task on this machine, for Python: the caller keeps the state, so that there may be several ECUs. */

#include "can_exchange.h"

#include <stddef.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif

EXPORTED size_t acc_decel_can_host_bytes(void);
EXPORTED int acc_decel_can_host_start(acc_decel_can_t *can);
EXPORTED void acc_decel_can_host_tick(acc_decel_can_t *can, can_exchange_t *exchange);
EXPORTED void acc_decel_can_host_factors(const acc_decel_can_t *can, acc_decel_factors_t *factors);

size_t acc_decel_can_host_bytes(void)
{
    return sizeof(acc_decel_can_t);
}

/* Returns the result of the self-test. */
int acc_decel_can_host_start(acc_decel_can_t *can)
{
    acc_decel_can_start(can);
    return (int)can->self_test;
}

void acc_decel_can_host_tick(acc_decel_can_t *can, can_exchange_t *exchange)
{
    can_tick(can, exchange);
}

/* The factors as received, as columns. */
void acc_decel_can_host_factors(const acc_decel_can_t *can, acc_decel_factors_t *factors)
{
    *factors = acc_decel_can_factors(can);
}
