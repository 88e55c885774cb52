/* One tick of the CAN task: what an ECU does between two calls of its timer. */

#include "can_exchange.h"

__attribute__((noinline)) void can_tick(acc_decel_can_t *can, can_exchange_t *exchange)
{
    for (uint32_t i = 0U; i < exchange->received_count; i++) {
        acc_decel_can_receive(can, &exchange->received[i]);
    }
    if (exchange->run != 0U) {
        exchange->sent_count = acc_decel_can_task(can, exchange->sent);
    }
}
