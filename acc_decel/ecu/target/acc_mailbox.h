/* The mailbox of the ACC unit on a virtual ECU: both cars in, every answer out. */
#ifndef ACC_MAILBOX_H
#define ACC_MAILBOX_H

#include "acc_decel_acc.h"

#include <stdint.h>

#define MAILBOX_COUNT 128U
#define ANSWER_COUNT 7U
#define STATUS_COUNT 5U

typedef struct {
    acc_decel_acc_t acc;           /* in */
    float wait;                    /* in, of acc_decel_acc_required_deceleration() */
    float reserve;                 /* in, of acc_decel_acc_lead_upper() */
    float answers[ANSWER_COUNT];   /* out; those of functions with a status unchanged if refused */
    uint32_t status[STATUS_COUNT]; /* out, of the first five */
} mailbox_t;

extern mailbox_t mailboxes[MAILBOX_COUNT];
extern volatile uint32_t mailboxes_filled;
extern uint32_t self_test_result; /* of acc_decel_acc_self_test(), which runs first */

/* Calls every function for one mailbox. */
void task(mailbox_t *mailbox);

/* Answers the filled mailboxes, then calls batch_done(). */
void answer_mailboxes(void);

/* The emulator stops at its first instruction, a 16-bit nop, to read the answers and write the next batch. */
void batch_done(void);

#endif
