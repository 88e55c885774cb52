/* The CAN task on the emulated core: at each tick the emulator fills the one mailbox, and reads it after batch_done().
 */

#include "can_exchange.h"

can_exchange_t mailboxes[1];
volatile uint32_t mailboxes_filled;
uint32_t self_test_result;
acc_decel_can_t can;

const uint32_t acc_decel_target_columns = ACC_DECEL_COLUMN_COUNT; /* read from the image */
const uint32_t acc_decel_target_mailboxes = 1U;
const uint32_t acc_decel_target_multiply_adds = ACC_DECEL_MULTIPLY_ADDS;
const uint32_t acc_decel_can_state_bytes = (uint32_t)sizeof(acc_decel_can_t);

int main(void);
void batch_done(void);

/* The emulator stops at its first instruction, a 16-bit nop. */
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
    acc_decel_can_start(&can);
    self_test_result = can.self_test;
    for (;;) {
        if (mailboxes_filled != 0U) {
            can_tick(&can, &mailboxes[0]);
        }
        batch_done();
    }
}
