/* Start on a Cortex-M33 or M55 of QEMU, in the secure state: vector table, FPU and vector unit on, then the start-up
 * code of newlib. The board's options define STACK_TOP, an address in its RAM. */

#include <stdint.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88U) /* coprocessor access control */
#define FPU_FULL_ACCESS (0xFUL << 20)

extern void _start(void);
void reset(void);

typedef struct {
    uint32_t initial_stack; /* newlib moves it to where QEMU says */
    void (*reset)(void);
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t vectors = {STACK_TOP, reset};

void reset(void)
{
    CPACR |= FPU_FULL_ACCESS;
    __asm volatile("dsb\n isb");
    _start();
}
