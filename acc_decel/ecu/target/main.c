/* Task of the virtual ECU: answers every filled mailbox. The emulator fills one at each tick of 10 ms, or a batch. */

#include "mailbox.h"

mailbox_t mailboxes[MAILBOX_COUNT];
volatile uint32_t mailboxes_filled;
uint32_t self_test_result;

const uint32_t acc_decel_target_columns = ACC_DECEL_COLUMN_COUNT; /* read from the image, to lay out mailboxes */
const uint32_t acc_decel_target_mailboxes = MAILBOX_COUNT;
const uint32_t acc_decel_target_multiply_adds = ACC_DECEL_MULTIPLY_ADDS;

int main(void);

__attribute__((noinline)) void task(mailbox_t *mailbox)
{
    mailbox->status = acc_decel_predict(&mailbox->factors, &mailbox->prediction);
}

__attribute__((noinline)) void answer_mailboxes(void)
{
    for (uint32_t i = 0U; i < mailboxes_filled; i++) {
        task(&mailboxes[i]);
    }
    batch_done();
}

__attribute__((naked, noinline)) void batch_done(void)
{
#if defined(__riscv)
    __asm volatile("nop\n ret");
#else
    __asm volatile("nop\n bx lr");
#endif
}

int main(void)
{
    self_test_result = (uint32_t)acc_decel_self_test();
    for (;;) {
        answer_mailboxes();
    }
}
