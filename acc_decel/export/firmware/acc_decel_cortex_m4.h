/* The two loops of acc_decel_fixed_layers.c for the DSP extension of a Cortex-M4, M7 or M33, in assembly for GCC and
 * Clang: the same bits as the C beside them. Define ACC_DECEL_PLAIN_C to do without.
 *
 * A load that follows a load takes one cycle, any other two: four pairs of weights and one of inputs come in a row, for
 * four instructions that multiply and add two pairs each. */
#ifndef ACC_DECEL_CORTEX_M4_H
#define ACC_DECEL_CORTEX_M4_H

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

/* A pair of inputs into the sums. */
#define FOUR_PRODUCTS                                                                                                  \
    "smlad %[a], %[w0], %[pair], %[a]\n"                                                                               \
    "smlad %[b], %[w1], %[pair], %[b]\n"                                                                               \
    "smlad %[c], %[w2], %[pair], %[c]\n"                                                                               \
    "smlad %[d], %[w3], %[pair], %[d]\n"

/* Adds weights * x to four sums, four pairs at a time; if only two are left, they go first. `before` is the word before
 * the weights, and so is `row`: it goes on with the last load. Returns the last word of the weights. */
static inline const acc_decel_pair_t *add_products(const acc_decel_pair_t *before, const acc_decel_pair_t x[],
                                                   uint32_t pairs, uint32_t sums[4])
{
    const acc_decel_pair_t *row = before;
    const acc_decel_pair_t *input = x;
    const acc_decel_pair_t *const end = &x[pairs];
    uint32_t w0;
    uint32_t w1;
    uint32_t w2;
    uint32_t w3;
    uint32_t pair = pairs & 2U;

    __asm__("cmp %[pair], #0\n"
            "bne 2f\n"
            "1:\n"
            "ldr %[w0], [%[row], #4]\n"
            "ldr %[w1], [%[row], #8]\n"
            "ldr %[w2], [%[row], #12]\n"
            "ldr %[w3], [%[row], #16]\n"
            "ldr %[pair], [%[input]], #4\n" FOUR_PRODUCTS
            "ldr %[w0], [%[row], #20]\n"
            "ldr %[w1], [%[row], #24]\n"
            "ldr %[w2], [%[row], #28]\n"
            "ldr %[pair], [%[input]], #4\n"
            "ldr %[w3], [%[row], #32]!\n" FOUR_PRODUCTS
            "2:\n"
            "ldr %[w0], [%[row], #4]\n"
            "ldr %[w1], [%[row], #8]\n"
            "ldr %[w2], [%[row], #12]\n"
            "ldr %[w3], [%[row], #16]\n"
            "ldr %[pair], [%[input]], #4\n" FOUR_PRODUCTS
            "ldr %[w0], [%[row], #20]\n"
            "ldr %[w1], [%[row], #24]\n"
            "ldr %[w2], [%[row], #28]\n"
            "ldr %[pair], [%[input]], #4\n"
            "ldr %[w3], [%[row], #32]!\n" FOUR_PRODUCTS
            "cmp %[input], %[end]\n"
            "bne 1b\n"
            : [a] "+r"(sums[0]), [b] "+r"(sums[1]), [c] "+r"(sums[2]), [d] "+r"(sums[3]), [row] "+r"(row),
              [input] "+r"(input), [pair] "+r"(pair), [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
            : [end] "r"(end)
            : "cc", "memory");
    return row;
}

/* The smooth rectifier of one sum, `to` and `z` the same register: see rectified() in acc_decel_fixed_layers.c. Below 0 the ramp is 0, and the last
 * saturation makes 0 of what is left. */
#define RECTIFY(to, z)                                                                                                 \
    "asr " to ", " z ", %[first]\n"                                                                                    \
    "usat %[ramp], %[ramp_bits], " z "\n"                                                                              \
    "sub " to ", " z ", %[ramp]\n"                                                                                     \
    "smlawb " to ", %[ramp], %[ramp], " z "\n"                                                                         \
    "asr " to ", " z ", %[second]\n"                                                                                   \
    "usat " to ", %[value_bits], " z "\n"
#define NEXT_BYTES "lsr %[first], %[first], %[byte]\nlsr %[second], %[second], %[byte]\n"

/* Writes what the rectifier makes of four sums, in shifts of a byte each. */
static inline void rectify(const uint32_t sums[4], uint32_t first_shifts, uint32_t second_shifts, acc_decel_pair_t y[2])
{
    uint32_t a = sums[0];
    uint32_t b = sums[1];
    uint32_t c = sums[2];
    uint32_t d = sums[3];
    uint32_t first = first_shifts;
    uint32_t second = second_shifts;
    uint32_t ramp;

    __asm__(RECTIFY("%[a]", "%[a]") NEXT_BYTES RECTIFY("%[b]", "%[b]") NEXT_BYTES RECTIFY("%[c]", "%[c]") NEXT_BYTES RECTIFY("%[d]", "%[d]")
            "pkhbt %[a], %[a], %[b], lsl #16\n"
            "pkhbt %[c], %[c], %[d], lsl #16\n"
            "eor %[a], %[a], #0x80008000\n"
            "eor %[c], %[c], #0x80008000\n"
            : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [first] "+r"(first), [second] "+r"(second),
              [ramp] "=&r"(ramp)
            : [ramp_bits] "i"(15), [value_bits] "i"(16), [byte] "i"(8));
    y[0].both = a;
    y[1].both = c;
}

#endif
