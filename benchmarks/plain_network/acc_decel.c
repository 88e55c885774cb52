/* A plain network in the place of the firmware: the entry that the virtual ECU calls. */

#include "acc_decel.h"

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    return acc_decel_network(factors, prediction);
}

int acc_decel_self_test(void)
{
    return 0;
}
