/* The two loops of acc_decel_fixed_layers.c for a Cortex-M0, in assembly for GCC and Clang: the same bits as the C in
 * that file. Define ACC_DECEL_PLAIN_C to compile the C instead.
 *
 * Most instructions of this core reach only eight registers, and compilers then keep sums on the stack. Here they are
 * in r8 to r11, to which the core can add at no extra cost; one instruction loads two words of weights in three cycles.
 */
#ifndef ACC_DECEL_THUMB1_H
#define ACC_DECEL_THUMB1_H

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

/* Numbers are written as a sum with the operand `zero`, because MISRA forbids the sign for numbers in a macro.
 *
 * Adds the products of a pair of weights, which are in a register that is overwritten, to a sum. */
#define PRODUCTS(weights, sum)                                                                                         \
    "asrs r6, " weights ", %[zero]+16\n"                                                                               \
    "sxth " weights ", " weights "\n"                                                                                  \
    "muls r6, %[odd], r6\n"                                                                                            \
    "muls " weights ", %[even], " weights "\n"                                                                         \
    "add " sum ", r6\n"                                                                                                \
    "add " sum ", " weights "\n"
#define ONE_PAIR                                                                                                       \
    "ldmia %[input]!, {%[odd]}\n"                                                                                      \
    "ldmia %[row]!, {r4, r5}\n"                                                                                        \
    "sxth %[even], %[odd]\n"                                                                                           \
    "asrs %[odd], %[odd], %[zero]+16\n"                                                                                \
    PRODUCTS("r4", "r8")                                                                                               \
    PRODUCTS("r5", "r9")                                                                                               \
    "ldmia %[row]!, {r4, r5}\n"                                                                                        \
    PRODUCTS("r4", "r10")                                                                                              \
    PRODUCTS("r5", "r11")

/* The biases of a block plus weights * x, two pairs at a time. At the start `even` is the end of x and `odd` the place
 * of the results, which goes to lr. Without the directive GCC expects an older syntax. */
#define SUMS                                                                                                           \
    ".syntax unified\n"                                                                                                \
    "mov r12, %[even]\n"                                                                                               \
    "mov lr, %[odd]\n"                                                                                                 \
    "ldmia %[row]!, {r4, r5}\n"                                                                                        \
    "mov r8, r4\n"                                                                                                     \
    "mov r9, r5\n"                                                                                                     \
    "ldmia %[row]!, {r4, r5}\n"                                                                                        \
    "mov r10, r4\n"                                                                                                    \
    "mov r11, r5\n"                                                                                                    \
    "1:\n" ONE_PAIR ONE_PAIR "cmp %[input], r12\n"                                                                     \
    "bne 1b\n"

#define OPERANDS                                                                                                       \
    : [row] "+l"(row), [input] "+l"(input), [even] "+l"(last), [odd] "+l"(results)                                     \
    : [zero] "i"(0)                                                                                                    \
    : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory"

/* Writes the smooth rectifier of one sum, minus 2^15, to y[at / 2]: see acc_decel_rectified() in
 * acc_decel_fixed_layers.h. The registers: y in that of `row`, the maximum of the ramp in that of `input`, the first
 * shifts in r4 and the second ones in r5; a shift is the lowest byte. */
#define RECTIFY(sum, at)                                                                                               \
    "mov %[even], " sum "\n"                                                                                           \
    "asrs %[odd], %[even], %[zero]+31\n"                                                                               \
    "bics %[even], %[even], %[odd]\n"                                                                                  \
    "lsrs %[even], %[even], r4\n"                                                                                      \
    "subs %[odd], %[even], %[input]\n"                                                                                 \
    "asrs r6, %[odd], %[zero]+31\n"                                                                                    \
    "bics %[odd], %[odd], r6\n" /* what is beyond the ramp */                                                          \
    "subs %[even], %[even], %[odd]\n"                                                                                  \
    "muls %[even], %[even], %[even]\n"                                                                                 \
    "lsrs %[even], %[even], %[zero]+16\n"                                                                              \
    "adds %[even], %[even], %[odd]\n"                                                                                  \
    "lsrs %[even], %[even], r5\n"                                                                                      \
    "lsrs %[odd], %[even], %[zero]+16\n"                                                                               \
    "rsbs %[odd], %[odd], %[zero]+0\n"                                                                                 \
    "asrs %[odd], %[odd], %[zero]+31\n"                                                                                \
    "orrs %[even], %[even], %[odd]\n" /* all ones if it does not fit 16 bits */                                        \
    "subs %[even], %[even], %[input]\n"                                                                                \
    "subs %[even], %[even], %[zero]+1\n"                                                                               \
    "strh %[even], [%[row], %[zero]+" at "]\n"
#define NEXT_BYTES "lsrs r4, r4, %[zero]+8\nlsrs r5, r5, %[zero]+8\n"

/* The sums of a block for the inputs from x to `end`. Returns where its shifts are. */
static inline const acc_decel_pair_t *block_sums(const acc_decel_pair_t *block, const acc_decel_pair_t *x,
                                                 const acc_decel_pair_t *end, uint32_t sums[4])
{
    const acc_decel_pair_t *row = block;
    const acc_decel_pair_t *input = x;
    const acc_decel_pair_t *last = end;
    uint32_t *results = sums;

    __asm__ volatile(SUMS
            "mov %[input], lr\n"
            "mov r4, r8\n"
            "mov r5, r9\n"
            "stmia %[input]!, {r4, r5}\n"
            "mov r4, r10\n"
            "mov r5, r11\n"
            "stmia %[input]!, {r4, r5}\n"
            OPERANDS);
    return row;
}

/* Writes the rectified sums of a block. Returns where the next block starts. */
static inline const acc_decel_pair_t *block_values(const acc_decel_pair_t *block, const acc_decel_pair_t *x,
                                                   const acc_decel_pair_t *end, acc_decel_pair_t y[2])
{
    const acc_decel_pair_t *row = block;
    const acc_decel_pair_t *input = x;
    const acc_decel_pair_t *last = end;
    acc_decel_pair_t *results = y;

    __asm__ volatile(SUMS
            "ldmia %[row]!, {r4, r5}\n"
            "mov r12, %[row]\n"
            "mov %[row], lr\n"
            "movs %[input], #1\n"
            "lsls %[input], %[input], #15\n"
            "subs %[input], %[input], #1\n"
            RECTIFY("r8", "0") NEXT_BYTES
            RECTIFY("r9", "2") NEXT_BYTES
            RECTIFY("r10", "4") NEXT_BYTES
            RECTIFY("r11", "6")
            "mov %[row], r12\n"
            OPERANDS);
    return row;
}

#endif
