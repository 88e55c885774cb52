/* The interface of the virtual ECU: a batch of mailboxes in RAM, which the emulator reads and writes. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "acc_decel.h"

#include <stdint.h>

#define MAILBOX_COUNT 128U

typedef struct {
    acc_decel_factors_t factors;       /* in */
    acc_decel_prediction_t prediction; /* out, unchanged if refused */
    acc_decel_status_t status;         /* out */
} mailbox_t;

extern mailbox_t mailboxes[MAILBOX_COUNT];
extern volatile uint32_t mailboxes_filled;
extern const uint32_t acc_decel_target_columns;
extern const uint32_t acc_decel_target_mailboxes;
extern const uint32_t acc_decel_target_multiply_adds;

extern uint32_t self_test_result; /* of acc_decel_self_test(), which runs first */

/* Runs at each tick: reads the factors of a mailbox, predicts, writes answer and status. */
void task(mailbox_t *mailbox);

/* Answers the filled mailboxes, then calls batch_done(). */
void answer_mailboxes(void);

/* The emulator stops at its first instruction, a 16-bit nop, to read the answers and write the next batch. */
void batch_done(void);

#endif
