/* What the world and the CAN task hand to each other in one tick: received frames in, sent frames out. */
#ifndef CAN_EXCHANGE_H
#define CAN_EXCHANGE_H

#include "acc_decel_can.h"

#include <stdint.h>

#define CAN_EXCHANGE_FRAMES 32U

typedef struct {
    uint32_t received_count;
    uint32_t run; /* 0: only receive; else the task runs after that */
    uint32_t sent_count;
    uint32_t padding;
    acc_decel_can_frame_t received[CAN_EXCHANGE_FRAMES];
    acc_decel_can_frame_t sent[ACC_DECEL_CAN_OUTPUT_COUNT];
} can_exchange_t;

void can_tick(acc_decel_can_t *can, can_exchange_t *exchange);

#endif
