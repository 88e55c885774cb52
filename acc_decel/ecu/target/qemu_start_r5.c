/* Start on a Cortex-R5F of QEMU: FPU on, stack, then the start-up code of newlib. */

void reset(void);

/* Full access to coprocessors 10 and 11, which are the FPU; then its enable bit. The stack ends at 64 MB of RAM. */
__attribute__((naked)) void reset(void)
{
    __asm volatile("mrc p15, 0, r0, c1, c0, 2\n"
                   "orr r0, r0, #0xF00000\n"
                   "mcr p15, 0, r0, c1, c0, 2\n"
                   "isb\n"
                   "mov r0, #0x40000000\n"
                   "vmsr fpexc, r0\n"
                   "mov r0, #0x4000000\n"
                   "mov sp, r0\n"
                   "b _start");
}
