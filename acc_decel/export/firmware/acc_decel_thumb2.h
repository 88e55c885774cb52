/* The two loops of acc_decel_fixed_layers.c for a Cortex-M3 or larger, in assembly for GCC and Clang: the same bits as
 * the C in that file. Define ACC_DECEL_PLAIN_C to compile the C instead.
 *
 * A load takes two cycles, but only one after another load: so the loads of weights and inputs stand together. */
#ifndef ACC_DECEL_THUMB2_H
#define ACC_DECEL_THUMB2_H

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

/* ONE_PAIR adds a pair of inputs to the sums. Operands are sizes in bytes: of one to four pairs, of half a pair, and of
 * three and a half pairs. SQUARE writes `z` plus half the square of the ramp, which is in w2, to `to`. */
#if defined(__ARM_FEATURE_SIMD32) /* the DSP extension of a Cortex-M4, M7 or M33 multiplies two at a time */
#define ONE_PAIR                                                                                                       \
    "ldr %[w1], [%[row], %[one]]\n"                                                                                    \
    "ldr %[w2], [%[row], %[two]]\n"                                                                                    \
    "ldr %[w3], [%[row], %[three]]\n"                                                                                  \
    "ldr %[w0], [%[row]], %[four]\n"                                                                                   \
    "ldr %[pair], [%[input]], %[one]\n"                                                                                \
    "smlad %[a], %[w0], %[pair], %[a]\n"                                                                               \
    "smlad %[b], %[w1], %[pair], %[b]\n"                                                                               \
    "smlad %[c], %[w2], %[pair], %[c]\n"                                                                               \
    "smlad %[d], %[w3], %[pair], %[d]\n"
#define SQUARE(to, z) "smlawb " to ", %[w2], %[w2], " z "\n"
#else
#define FOUR_LOADS                                                                                                     \
    "ldrsh %[pair], [%[input]], %[half]\n"                                                                             \
    "ldrsh %[w1], [%[row], %[one]]\n"                                                                                  \
    "ldrsh %[w2], [%[row], %[two]]\n"                                                                                  \
    "ldrsh %[w3], [%[row], %[three]]\n"
#define FOUR_PRODUCTS                                                                                                  \
    "mla %[a], %[w0], %[pair], %[a]\n"                                                                                 \
    "mla %[b], %[w1], %[pair], %[b]\n"                                                                                 \
    "mla %[c], %[w2], %[pair], %[c]\n"                                                                                 \
    "mla %[d], %[w3], %[pair], %[d]\n"
#define ONE_PAIR                                                                                                       \
    FOUR_LOADS "ldrsh %[w0], [%[row]], %[half]\n" FOUR_PRODUCTS                                                        \
    FOUR_LOADS "ldrsh %[w0], [%[row]], %[other]\n" FOUR_PRODUCTS
#define SQUARE(to, z)                                                                                                  \
    "mul %[w2], %[w2], %[w2]\n"                                                                                        \
    "add " to ", " z ", %[w2], lsr %[four]\n"
#endif

/* The biases of a block plus weights * x, four pairs at a time; if two pairs are over, they come first. */
#define SUMS                                                                                                           \
    "ldr %[b], [%[row], %[one]]\n"                                                                                     \
    "ldr %[c], [%[row], %[two]]\n"                                                                                     \
    "ldr %[d], [%[row], %[three]]\n"                                                                                   \
    "ldr %[a], [%[row]], %[four]\n"                                                                                    \
    "sub %[pair], %[end], %[input]\n"                                                                                  \
    "tst %[pair], %[two]\n"                                                                                            \
    "bne 2f\n"                                                                                                         \
    "1:\n" ONE_PAIR ONE_PAIR "2:\n" ONE_PAIR ONE_PAIR "cmp %[input], %[end]\n"                                         \
    "bne 1b\n"

#define RESULTS                                                                                                        \
    [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [row] "+r"(row), [input] "+r"(input), [pair] "=&r"(pair),  \
        [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
#define OPERANDS                                                                                                       \
    [end] "r"(end), [one] "i"(4), [two] "i"(8), [three] "i"(12), [four] "i"(16), [half] "i"(2), [other] "i"(14)

/* The smooth rectifier of one sum, `to` and `z` the same register: see acc_decel_rectified() in
 * acc_decel_fixed_layers.h. Below 0 the ramp is 0, and the last saturation turns the rest into 0. First shifts are in
 * w0, second shifts in w1. */
#define RECTIFY(to, z)                                                                                                 \
    "asr " to ", " z ", %[w0]\n"                                                                                       \
    "usat %[w2], %[ramp_bits], " z "\n"                                                                                \
    "sub " to ", " z ", %[w2]\n"                                                                                       \
    SQUARE(to, z)                                                                                                      \
    "asr " to ", " z ", %[w1]\n"                                                                                       \
    "usat " to ", %[four], " z "\n"
#define NEXT_BYTES "lsr %[w0], %[w0], %[two]\nlsr %[w1], %[w1], %[two]\n"

/* The sums of a block for the inputs from x to `end`. Returns where its shifts are. */
static inline const acc_decel_pair_t *block_sums(const acc_decel_pair_t *block, const acc_decel_pair_t *x,
                                                 const acc_decel_pair_t *end, uint32_t sums[4])
{
    const acc_decel_pair_t *row = block;
    const acc_decel_pair_t *input = x;
    uint32_t pair;
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    uint32_t w0;
    uint32_t w1;
    uint32_t w2;
    uint32_t w3;

    __asm__(SUMS : RESULTS : OPERANDS : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return row;
}

/* Writes the rectified sums of a block. Returns where the next block starts. */
static inline const acc_decel_pair_t *block_values(const acc_decel_pair_t *block, const acc_decel_pair_t *x,
                                                   const acc_decel_pair_t *end, acc_decel_pair_t y[2])
{
    const acc_decel_pair_t *row = block;
    const acc_decel_pair_t *input = x;
    uint32_t pair;
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    uint32_t w0;
    uint32_t w1;
    uint32_t w2;
    uint32_t w3;

    __asm__ volatile(SUMS
            "ldr %[w1], [%[row], #4]\n"
            "ldr %[w0], [%[row]], #8\n"
            RECTIFY("%[a]", "%[a]") NEXT_BYTES
            RECTIFY("%[b]", "%[b]") NEXT_BYTES
            RECTIFY("%[c]", "%[c]") NEXT_BYTES
            RECTIFY("%[d]", "%[d]")
            "orr %[a], %[a], %[b], lsl #16\n"
            "orr %[c], %[c], %[d], lsl #16\n"
            "eor %[a], %[a], #0x80008000\n"
            "eor %[c], %[c], #0x80008000\n"
            "strd %[a], %[c], [%[y]]\n"
            : RESULTS
            : OPERANDS, [ramp_bits] "i"(15), [y] "r"(y)
            : "cc", "memory");
    return row;
}

#endif
