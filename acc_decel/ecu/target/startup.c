/* Start of the virtual ECU: vector table or stack, FPU on if there is one, main. RAM is zero at power-on. */

#include <stdint.h>

extern uint32_t stack_top[];
extern int main(void);
void reset(void);

#if defined(__riscv)

/* Floating point is off at power-on: its state in mstatus becomes initial. */
__attribute__((section(".vectors"), naked, used)) void reset(void)
{
    __asm volatile("la sp, stack_top\n li t0, 0x2000\n csrs mstatus, t0\n call main");
}

#else

#define CPACR (*(volatile uint32_t *)0xE000ED88U) /* coprocessor access control */
#define FPU_FULL_ACCESS (0xFU << 20)
#define FLUSH_AND_DEFAULT_NAN (3U << 24) /* of the FPSCR: subnormals are 0, every NaN is the default one */

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
#if defined(FLUSH_TO_ZERO)
    __asm volatile("vmsr fpscr, %0" : : "r"(FLUSH_AND_DEFAULT_NAN));
#endif
    (void)main();
    for (;;) {
    }
}

#endif
