/* The two loops of acc_decel_layers.c for the FPU of a Cortex-M4, M7 or M33, in assembly for GCC and Clang: the same
 * operations in the same order as the C beside them, and so the same bits. Define ACC_DECEL_PLAIN_C to do without.
 *
 * Compilers load one weight at a time, at two cycles each. Here sixteen come with one instruction, which takes
 * seventeen. s0 to s7 hold the sums, s8 to s23 weights and then products, s24 to s27 inputs. */
#ifndef ACC_DECEL_CORTEX_M4F_H
#define ACC_DECEL_CORTEX_M4F_H

#include <stdint.h>

/* product = weight * input, in the weight's register */
#define TIMES(weight, input) "vmul.f32 " weight ", " weight ", " input "\n"
#define PLUS(sum, product) "vadd.f32 " sum ", " sum ", " product "\n"
#define TIMES_4(a, b, c, d, input) TIMES(a, input) TIMES(b, input) TIMES(c, input) TIMES(d, input)
#define PLUS_LOW(a, b, c, d) PLUS("s0", a) PLUS("s1", b) PLUS("s2", c) PLUS("s3", d)
#define PLUS_HIGH(a, b, c, d) PLUS("s4", a) PLUS("s5", b) PLUS("s6", c) PLUS("s7", d)

/* One input into the sums, its weights in s8 to s15 or s16 to s23 (wide), or four registers (narrow). */
#define WIDE_STEP_LOW(input)                                                                                           \
    TIMES_4("s8", "s9", "s10", "s11", input)                                                                           \
    TIMES_4("s12", "s13", "s14", "s15", input)                                                                         \
    PLUS_LOW("s8", "s9", "s10", "s11") PLUS_HIGH("s12", "s13", "s14", "s15")
#define WIDE_STEP_HIGH(input)                                                                                          \
    TIMES_4("s16", "s17", "s18", "s19", input)                                                                         \
    TIMES_4("s20", "s21", "s22", "s23", input)                                                                         \
    PLUS_LOW("s16", "s17", "s18", "s19") PLUS_HIGH("s20", "s21", "s22", "s23")
#define NARROW_STEP(a, b, c, d, input) TIMES_4(a, b, c, d, input) PLUS_LOW(a, b, c, d)

#define USED                                                                                                           \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",       \
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "cc", "memory"

/* Eight outputs. The inputs beyond a multiple of four go first in loops of their own kind: order is kept. */
static const float *wide_sums(const float *block, const float x[], uint32_t inputs, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0-s7}\n"
                     "cbz %[ones], 2f\n"
                     "1:\n"
                     "vldmia %[input]!, {s24}\n"
                     "vldmia %[block]!, {s8-s15}\n" WIDE_STEP_LOW("s24")
                     "subs %[ones], %[ones], #1\n"
                     "bne 1b\n"
                     "2:\n"
                     "cmp %[fours], #0\n"
                     "beq 4f\n"
                     "3:\n"
                     "vldmia %[input]!, {s24-s27}\n"
                     "vldmia %[block]!, {s8-s23}\n" WIDE_STEP_LOW("s24") WIDE_STEP_HIGH("s25")
                     "subs %[fours], %[fours], #1\n"
                     "vldmia %[block]!, {s8-s23}\n" WIDE_STEP_LOW("s26") WIDE_STEP_HIGH("s27")
                     "bne 3b\n"
                     "4:\n"
                     "vstmia %[output], {s0-s7}\n"
                     : [block] "+l"(block), [input] "+l"(input), [fours] "+l"(fours), [ones] "+l"(ones)
                     : [output] "l"(y)
                     : USED);
    return block;
}

/* Four outputs, in the same way. */
static const float *narrow_sums(const float *block, const float x[], uint32_t inputs, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0-s3}\n"
                     "cbz %[ones], 2f\n"
                     "1:\n"
                     "vldmia %[input]!, {s24}\n"
                     "vldmia %[block]!, {s8-s11}\n" NARROW_STEP("s8", "s9", "s10", "s11", "s24")
                     "subs %[ones], %[ones], #1\n"
                     "bne 1b\n"
                     "2:\n"
                     "cmp %[fours], #0\n"
                     "beq 4f\n"
                     "3:\n"
                     "vldmia %[input]!, {s24-s27}\n"
                     "vldmia %[block]!, {s8-s23}\n"
                     NARROW_STEP("s8", "s9", "s10", "s11", "s24")
                     NARROW_STEP("s12", "s13", "s14", "s15", "s25")
                     NARROW_STEP("s16", "s17", "s18", "s19", "s26")
                     NARROW_STEP("s20", "s21", "s22", "s23", "s27")
                     "subs %[fours], %[fours], #1\n"
                     "bne 3b\n"
                     "4:\n"
                     "vstmia %[output], {s0-s3}\n"
                     : [block] "+l"(block), [input] "+l"(input), [fours] "+l"(fours), [ones] "+l"(ones)
                     : [output] "l"(y)
                     : USED);
    return block;
}

#endif
