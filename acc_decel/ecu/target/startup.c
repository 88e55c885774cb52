/* Start of the virtual ECU on a Cortex-M: vector table, FPU on if there is one, main. RAM is zero at power-on. */

#include <stdint.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88U) /* coprocessor access control */
#define FPU_FULL_ACCESS (0xFU << 20)

extern uint32_t stack_top[];
extern int main(void);
void reset(void);

typedef struct {
    uint32_t *initial_stack;
    void (*reset)(void);
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t vectors = {stack_top, reset};

void reset(void)
{
#if defined(__ARM_FP)
    CPACR |= FPU_FULL_ACCESS;
    __asm volatile("dsb\n isb");
#endif
    (void)main();
    for (;;) {
    }
}
