/* Start of the example on a Cortex-M of QEMU: vector table, FPU on if there is one, then the start-up code of newlib.
 * A project has its own. */

#include <stdint.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88U) /* coprocessor access control */
#define FPU_FULL_ACCESS (0xFUL << 20)
#define STACK_TOP 0x20400000U /* end of the RAM of the boards mps2-an385, mps2-an386 and mps2-an500 */

extern void _start(void);
void reset(void);

typedef struct {
    uint32_t initial_stack;
    void (*reset)(void);
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t vectors = {STACK_TOP, reset};

void reset(void)
{
#if defined(__ARM_FP)
    CPACR |= FPU_FULL_ACCESS;
    __asm volatile("dsb\n isb");
#endif
    _start();
}
