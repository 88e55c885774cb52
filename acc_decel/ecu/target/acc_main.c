/* Program of the ACC unit on a core: answers every filled mailbox with acc_task.c. */

#include "acc_mailbox.h"

mailbox_t mailboxes[MAILBOX_COUNT];
volatile uint32_t mailboxes_filled;
uint32_t self_test_result;

const uint32_t acc_decel_target_columns = (sizeof(acc_decel_acc_t) / sizeof(float)) + 2U; /* read from the image */
const uint32_t acc_decel_target_mailboxes = MAILBOX_COUNT;
const uint32_t acc_decel_target_multiply_adds = 0U;

int main(void);

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
    self_test_result = (uint32_t)acc_decel_acc_self_test();
    for (;;) {
        answer_mailboxes();
    }
}
