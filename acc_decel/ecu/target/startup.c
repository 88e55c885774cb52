/* Start of the virtual ECU on a Cortex-M4F: vector table, FPU on, main. RAM is zero at power-on. */

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
    CPACR |= FPU_FULL_ACCESS;
    __asm volatile("dsb\n isb");
    (void)main();
    for (;;) {
    }
}
