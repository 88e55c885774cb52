/* The blocks of acc_decel_layers.c for the FPU of a Cortex-M4, M7 or M33, in assembly for GCC and Clang: the same bits
 * as the C in that file. Define ACC_DECEL_PLAIN_C to compile the C instead.
 *
 * Compilers load one weight at a time, in two cycles. Here one instruction loads sixteen in seventeen cycles, and the
 * sums are still in registers for the rectifier: s0 to s7. s8 to s23 hold weights and then products, s24 to s27
 * inputs. Where possible, no instruction uses the result of the one before it, because it would wait for a cycle. */
#ifndef ACC_DECEL_CORTEX_M4F_H
#define ACC_DECEL_CORTEX_M4F_H

#include <stdint.h>

/* product = weight * input, in the weight's register */
#define TIMES(weight, input) "vmul.f32 " weight "," input "\n"
#define PLUS(sum, product) "vadd.f32 " sum "," product "\n"
#define TIMES_4(a, b, c, d, input) TIMES(a, input) TIMES(b, input) TIMES(c, input) TIMES(d, input)
#define PLUS_LOW(a, b, c, d) PLUS("s0", a) PLUS("s1", b) PLUS("s2", c) PLUS("s3", d)
#define PLUS_HIGH(a, b, c, d) PLUS("s4", a) PLUS("s5", b) PLUS("s6", c) PLUS("s7", d)

/* One input into the sums, its weights in s8 to s15 or s16 to s23 (eight outputs), or four registers. */
#define STEP_8_LOW(input)                                                                                              \
    TIMES_4("s8", "s9", "s10", "s11", input)                                                                           \
    TIMES_4("s12", "s13", "s14", "s15", input)                                                                         \
    PLUS_LOW("s8", "s9", "s10", "s11") PLUS_HIGH("s12", "s13", "s14", "s15")
#define STEP_8_HIGH(input)                                                                                             \
    TIMES_4("s16", "s17", "s18", "s19", input)                                                                         \
    TIMES_4("s20", "s21", "s22", "s23", input)                                                                         \
    PLUS_LOW("s16", "s17", "s18", "s19") PLUS_HIGH("s20", "s21", "s22", "s23")
#define STEP_4(a, b, c, d, input) TIMES_4(a, b, c, d, input) PLUS_LOW(a, b, c, d)

/* First the inputs modulo four, one by one, then four at a time, at least once: the order of the inputs stays. */
#define INPUTS_ONE_BY_ONE(weights, step)                                                                               \
    "cbz %[ones], 2f\n"                                                                                                \
    "1:\n"                                                                                                             \
    "vldmia %[input]!, {s24}\n"                                                                                        \
    "vldmia %[block]!, " weights "\n" step "subs %[ones], %[ones], %[one]\n"                                           \
    "bne 1b\n"                                                                                                         \
    "2:\n"

/* Two times four inputs in a round; if the number of fours is odd, the first round takes four. `first` and `second` are
 * the same code. */
#define INPUTS_BY_EIGHT(first, second)                                                                                 \
    "lsls %[ones], %[fours], %[away]\n"                                                                                \
    "bne 6f\n"                                                                                                         \
    "3:\n" first "6:\n" second "subs %[fours], %[fours], %[two]\n"                                                     \
    "bgt 3b\n"

/* The smooth rectifier of sums z: with above = max(z, 0) and beyond = max(z - 1/4, 0) it is 2 beyond + (2 (above -
 * beyond))^2, and z + |z| is 2 above, without rounding. */
#define SIZE(size, z) "vabs.f32 " size ", " z "\n"
#define ABOVE(z, a) "vadd.f32 " a ", " z ", " a "\nvsub.f32 " z ", " z ", s24\n"
#define RAMP(a, beyond) "vsub.f32 " a ", " a ", " beyond "\n"
#define RECTIFY_1                                                                                                      \
    SIZE("s8", "s0")                                                                                                   \
    ABOVE("s0", "s8")                                                                                                  \
    SIZE("s16", "s0")                                                                                                  \
    PLUS("s0", "s16")                                                                                                  \
    RAMP("s8", "s0")                                                                                                   \
    TIMES("s8", "s8")                                                                                                  \
    PLUS("s0", "s8")
#define RECTIFY_2                                                                                                      \
    SIZE("s8", "s0") SIZE("s9", "s1")                                                                                  \
    ABOVE("s0", "s8") ABOVE("s1", "s9")                                                                                \
    SIZE("s16", "s0") SIZE("s17", "s1")                                                                                \
    PLUS("s0", "s16") PLUS("s1", "s17")                                                                                \
    RAMP("s8", "s0") RAMP("s9", "s1")                                                                                  \
    TIMES("s8", "s8") TIMES("s9", "s9")                                                                                \
    PLUS("s0", "s8") PLUS("s1", "s9")
#define RECTIFY_LOW                                                                                                    \
    SIZE("s8", "s0") SIZE("s9", "s1") SIZE("s10", "s2") SIZE("s11", "s3")                                              \
    ABOVE("s0", "s8") ABOVE("s1", "s9") ABOVE("s2", "s10") ABOVE("s3", "s11")                                          \
    SIZE("s16", "s0") SIZE("s17", "s1") SIZE("s18", "s2") SIZE("s19", "s3")                                            \
    PLUS("s0", "s16") PLUS("s1", "s17") PLUS("s2", "s18") PLUS("s3", "s19")                                            \
    RAMP("s8", "s0") RAMP("s9", "s1") RAMP("s10", "s2") RAMP("s11", "s3")                                              \
    TIMES("s8", "s8") TIMES("s9", "s9") TIMES("s10", "s10") TIMES("s11", "s11")                                        \
    PLUS("s0", "s8") PLUS("s1", "s9") PLUS("s2", "s10") PLUS("s3", "s11")
#define RECTIFY_HIGH                                                                                                   \
    SIZE("s12", "s4") SIZE("s13", "s5") SIZE("s14", "s6") SIZE("s15", "s7")                                            \
    ABOVE("s4", "s12") ABOVE("s5", "s13") ABOVE("s6", "s14") ABOVE("s7", "s15")                                        \
    SIZE("s20", "s4") SIZE("s21", "s5") SIZE("s22", "s6") SIZE("s23", "s7")                                            \
    PLUS("s4", "s20") PLUS("s5", "s21") PLUS("s6", "s22") PLUS("s7", "s23")                                            \
    RAMP("s12", "s4") RAMP("s13", "s5") RAMP("s14", "s6") RAMP("s15", "s7")                                            \
    TIMES("s12", "s12") TIMES("s13", "s13") TIMES("s14", "s14") TIMES("s15", "s15")                                    \
    PLUS("s4", "s12") PLUS("s5", "s13") PLUS("s6", "s14") PLUS("s7", "s15")

#define USED                                                                                                           \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",       \
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "cc", "memory"
/* Of a block: pointers and counters that change; where the outputs go, and if the rectifier follows. */
#define OPERANDS                                                                                                       \
    : [block] "+l"(block), [input] "+l"(input), [fours] "+l"(fours), [ones] "+l"(ones)                                 \
    : [output] "l"(y), [rectified] "l"(rectified), [one] "i"(1), [two] "i"(2), [away] "i"(31)                          \
    : USED

/* Eight outputs. */
#define FOUR_INPUTS_OF_8                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s23}\n" STEP_8_LOW("s24") STEP_8_HIGH("s25")                                                \
    "vldmia %[block]!, {s8-s23}\n" STEP_8_LOW("s26") STEP_8_HIGH("s27")
static const float *values_8(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0-s7}\n"
                     INPUTS_ONE_BY_ONE("{s8-s15}", STEP_8_LOW("s24"))
                     INPUTS_BY_EIGHT(FOUR_INPUTS_OF_8, FOUR_INPUTS_OF_8)
                     "vmov.f32 s24, #0.25\n"
                     "tst %[rectified], %[rectified]\n"
                     "beq 5f\n" RECTIFY_LOW RECTIFY_HIGH
                     "5:\n"
                     "vstmia %[output], {s0-s7}\n"
                     OPERANDS);
    return block;
}

/* Four outputs, in the same way. */
#define FOUR_INPUTS_OF_4                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s23}\n"                                                                                     \
    STEP_4("s8", "s9", "s10", "s11", "s24")                                                                            \
    STEP_4("s12", "s13", "s14", "s15", "s25")                                                                          \
    STEP_4("s16", "s17", "s18", "s19", "s26")                                                                          \
    STEP_4("s20", "s21", "s22", "s23", "s27")
static const float *values_4(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0-s3}\n"
                     INPUTS_ONE_BY_ONE("{s8-s11}", STEP_4("s8", "s9", "s10", "s11", "s24"))
                     INPUTS_BY_EIGHT(FOUR_INPUTS_OF_4, FOUR_INPUTS_OF_4)
                     "vmov.f32 s24, #0.25\n"
                     "tst %[rectified], %[rectified]\n"
                     "beq 5f\n" RECTIFY_LOW
                     "5:\n"
                     "vstmia %[output], {s0-s3}\n"
                     OPERANDS);
    return block;
}

/* Two outputs. */
#define FOUR_INPUTS_OF_2                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s15}\n"                                                                                     \
    TIMES("s8", "s24") TIMES("s9", "s24") TIMES("s10", "s25") TIMES("s11", "s25")                                      \
    TIMES("s12", "s26") TIMES("s13", "s26") TIMES("s14", "s27") TIMES("s15", "s27")                                    \
    PLUS("s0", "s8") PLUS("s1", "s9") PLUS("s0", "s10") PLUS("s1", "s11")                                              \
    PLUS("s0", "s12") PLUS("s1", "s13") PLUS("s0", "s14") PLUS("s1", "s15")
static const float *values_2(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0-s1}\n"
                     INPUTS_ONE_BY_ONE("{s8-s9}",
                                       TIMES("s8", "s24") TIMES("s9", "s24") PLUS("s0", "s8") PLUS("s1", "s9"))
                     INPUTS_BY_EIGHT(FOUR_INPUTS_OF_2, FOUR_INPUTS_OF_2)
                     "vmov.f32 s24, #0.25\n"
                     "tst %[rectified], %[rectified]\n"
                     "beq 5f\n" RECTIFY_2
                     "5:\n"
                     "vstmia %[output], {s0-s1}\n"
                     OPERANDS);
    return block;
}

/* One output. */
#define FOUR_INPUTS_OF_1                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s11}\n"                                                                                     \
    TIMES("s8", "s24") TIMES("s9", "s25") PLUS("s0", "s8") TIMES("s10", "s26")                                         \
    PLUS("s0", "s9") TIMES("s11", "s27") PLUS("s0", "s10") PLUS("s0", "s11")
static const float *values_1(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    const float *input = x;
    uint32_t fours = inputs / 4U;
    uint32_t ones = inputs % 4U;

    __asm__ volatile("vldmia %[block]!, {s0}\n"
                     INPUTS_ONE_BY_ONE("{s8}", TIMES("s8", "s24") PLUS("s0", "s8"))
                     INPUTS_BY_EIGHT(FOUR_INPUTS_OF_1, FOUR_INPUTS_OF_1)
                     "vmov.f32 s24, #0.25\n"
                     "tst %[rectified], %[rectified]\n"
                     "beq 5f\n" RECTIFY_1
                     "5:\n"
                     "vstmia %[output], {s0}\n"
                     OPERANDS);
    return block;
}

#endif
