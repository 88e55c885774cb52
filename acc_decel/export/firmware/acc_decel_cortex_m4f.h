/* The blocks of acc_decel_layers.c for the FPU of a Cortex-M4, M7 or M33, in assembly for GCC and Clang: the same bits as
 * the C beside them. Define ACC_DECEL_PLAIN_C to do without.
 *
 * Compilers load one weight at a time, at two cycles each. Here sixteen come with one instruction, which takes
 * seventeen, and the rectifier finds the sums still in registers: s0 to s7. s8 to s23 hold weights and then products, s24
 * to s27 inputs. No result is used by the very next instruction where that can be had: it would wait a cycle. */
#ifndef ACC_DECEL_CORTEX_M4F_H
#define ACC_DECEL_CORTEX_M4F_H

#include <stdbool.h>
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

/* A block of four, two or one output, or of eight: first the inputs beyond a multiple of four, one by one, then four at
 * a time; order is kept. */
#define INPUTS_ONE_BY_ONE(weights, step)                                                                               \
    "cbz %[ones], 2f\n"                                                                                                \
    "1:\n"                                                                                                             \
    "vldmia %[input]!, {s24}\n"                                                                                        \
    "vldmia %[block]!, " weights "\n" step "subs %[ones], %[ones], #1\n"                                               \
    "bne 1b\n"                                                                                                         \
    "2:\n"                                                                                                             \
    "cmp %[fours], #0\n"                                                                                               \
    "beq 4f\n"
#define INPUTS_BY_FOUR(weights, step)                                                                                  \
    "3:\n"                                                                                                             \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, " weights "\n" step "subs %[fours], %[fours], #1\n"                                             \
    "bne 3b\n"                                                                                                         \
    "4:\n"

/* The smooth rectifier of a sum, in five steps that other sums may part: of register z, by a and b. With above = max(z, 0)
 * and beyond = max(z - 1/4, 0) it is 2 beyond + (2 (above - beyond))^2, and z + |z| is 2 above, without rounding. */
#define SIZE(z, a) "vabs.f32 " a ", " z "\n"
#define ABOVE(z, a) "vadd.f32 " a ", " z ", " a "\nvsub.f32 " z ", " z ", s24\n"
#define SIZE_BEYOND(z, b) "vabs.f32 " b ", " z "\n"
#define BEYOND(z, b) "vadd.f32 " z ", " z ", " b "\n"
#define RAMP(z, a) "vsub.f32 " a ", " a ", " z "\n"
#define CURVE(a) "vmul.f32 " a ", " a ", " a "\n"
#define WHETHER_BENT "vmov.f32 s24, #0.25\ncmp %[bent], #0\nbeq 5f\n"
#define BEND_1                                                                                                         \
    SIZE("s0", "s8") ABOVE("s0", "s8") SIZE_BEYOND("s0", "s16") BEYOND("s0", "s16") RAMP("s0", "s8") CURVE("s8")       \
    PLUS("s0", "s8")
#define BEND_2                                                                                                         \
    SIZE("s0", "s8") SIZE("s1", "s9") ABOVE("s0", "s8") ABOVE("s1", "s9")                                              \
    SIZE_BEYOND("s0", "s16") SIZE_BEYOND("s1", "s17") BEYOND("s0", "s16") BEYOND("s1", "s17")                          \
    RAMP("s0", "s8") RAMP("s1", "s9") CURVE("s8") CURVE("s9") PLUS("s0", "s8") PLUS("s1", "s9")
#define ALL_4(what, z0, z1, z2, z3, a0, a1, a2, a3) what(z0, a0) what(z1, a1) what(z2, a2) what(z3, a3)
#define BEND_4(z0, z1, z2, z3, a0, a1, a2, a3, b0, b1, b2, b3)                                                         \
    ALL_4(SIZE, z0, z1, z2, z3, a0, a1, a2, a3)                                                                        \
    ALL_4(ABOVE, z0, z1, z2, z3, a0, a1, a2, a3)                                                                       \
    ALL_4(SIZE_BEYOND, z0, z1, z2, z3, b0, b1, b2, b3)                                                                 \
    ALL_4(BEYOND, z0, z1, z2, z3, b0, b1, b2, b3)                                                                      \
    ALL_4(RAMP, z0, z1, z2, z3, a0, a1, a2, a3)                                                                        \
    CURVE(a0) CURVE(a1) CURVE(a2) CURVE(a3)                                                                            \
    ALL_4(PLUS, z0, z1, z2, z3, a0, a1, a2, a3)
#define BEND_LOW BEND_4("s0", "s1", "s2", "s3", "s8", "s9", "s10", "s11", "s16", "s17", "s18", "s19")
#define BEND_HIGH BEND_4("s4", "s5", "s6", "s7", "s12", "s13", "s14", "s15", "s20", "s21", "s22", "s23")

#define USED                                                                                                           \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",       \
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "cc", "memory"
#define BLOCK(code)                                                                                                    \
    const float *input = x;                                                                                            \
    uint32_t fours = inputs / 4U;                                                                                      \
    uint32_t ones = inputs % 4U;                                                                                       \
    const uint32_t bent = bend ? 1U : 0U;                                                                              \
                                                                                                                       \
    __asm__ volatile(code                                                                                              \
                     : [block] "+l"(block), [input] "+l"(input), [fours] "+l"(fours), [ones] "+l"(ones)                \
                     : [output] "l"(y), [bent] "l"(bent)                                                               \
                     : USED);                                                                                          \
    return block;

/* Four inputs twice in a round, but for the first round of an odd number of fours. */
#define TWICE(code)                                                                                                    \
    "lsls %[ones], %[fours], #31\n"                                                                                    \
    "bne 6f\n"                                                                                                         \
    "3:\n" code                                                                                                        \
    "6:\n" code                                                                                                        \
    "subs %[fours], %[fours], #2\n"                                                                                    \
    "bgt 3b\n"                                                                                                         \
    "4:\n"

/* Eight outputs. */
#define FOUR_INPUTS_OF_8                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s23}\n" STEP_8_LOW("s24") STEP_8_HIGH("s25")                                                \
    "vldmia %[block]!, {s8-s23}\n" STEP_8_LOW("s26") STEP_8_HIGH("s27")
static const float *values_8(const float *block, const float x[], uint32_t inputs, bool bend, float y[])
{
    BLOCK("vldmia %[block]!, {s0-s7}\n"
          INPUTS_ONE_BY_ONE("{s8-s15}", STEP_8_LOW("s24"))
          TWICE(FOUR_INPUTS_OF_8)
          WHETHER_BENT BEND_LOW BEND_HIGH
          "5:\n"
          "vstmia %[output], {s0-s7}\n")
}

/* Four outputs, in the same way. */
#define FOUR_INPUTS_OF_4                                                                                               \
    "vldmia %[input]!, {s24-s27}\n"                                                                                    \
    "vldmia %[block]!, {s8-s23}\n"                                                                                     \
    STEP_4("s8", "s9", "s10", "s11", "s24")                                                                            \
    STEP_4("s12", "s13", "s14", "s15", "s25")                                                                          \
    STEP_4("s16", "s17", "s18", "s19", "s26")                                                                          \
    STEP_4("s20", "s21", "s22", "s23", "s27")
static const float *values_4(const float *block, const float x[], uint32_t inputs, bool bend, float y[])
{
    BLOCK("vldmia %[block]!, {s0-s3}\n"
          INPUTS_ONE_BY_ONE("{s8-s11}", STEP_4("s8", "s9", "s10", "s11", "s24"))
          TWICE(FOUR_INPUTS_OF_4)
          WHETHER_BENT BEND_LOW
          "5:\n"
          "vstmia %[output], {s0-s3}\n")
}

/* Two outputs. */
static const float *values_2(const float *block, const float x[], uint32_t inputs, bool bend, float y[])
{
    BLOCK("vldmia %[block]!, {s0-s1}\n"
          INPUTS_ONE_BY_ONE("{s8-s9}", TIMES("s8", "s24") TIMES("s9", "s24") PLUS("s0", "s8") PLUS("s1", "s9"))
          INPUTS_BY_FOUR("{s8-s15}", TIMES("s8", "s24") TIMES("s9", "s24") TIMES("s10", "s25") TIMES("s11", "s25")
                                     TIMES("s12", "s26") TIMES("s13", "s26") TIMES("s14", "s27") TIMES("s15", "s27")
                                     PLUS("s0", "s8") PLUS("s1", "s9") PLUS("s0", "s10") PLUS("s1", "s11")
                                     PLUS("s0", "s12") PLUS("s1", "s13") PLUS("s0", "s14") PLUS("s1", "s15"))
          WHETHER_BENT BEND_2
          "5:\n"
          "vstmia %[output], {s0-s1}\n")
}

/* One output. */
static const float *values_1(const float *block, const float x[], uint32_t inputs, bool bend, float y[])
{
    BLOCK("vldmia %[block]!, {s0}\n"
          INPUTS_ONE_BY_ONE("{s8}", TIMES("s8", "s24") PLUS("s0", "s8"))
          INPUTS_BY_FOUR("{s8-s11}", TIMES("s8", "s24") TIMES("s9", "s25") PLUS("s0", "s8") TIMES("s10", "s26")
                                     PLUS("s0", "s9") TIMES("s11", "s27") PLUS("s0", "s10") PLUS("s0", "s11"))
          WHETHER_BENT BEND_1
          "5:\n"
          "vstmia %[output], {s0}\n")
}

#endif
