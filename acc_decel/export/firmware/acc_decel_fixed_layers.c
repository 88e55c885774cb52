/* The layers of the network in fixed point, four outputs at a time. */

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

#define BLOCK_OUTPUTS 4U /* outputs of a block */

#if defined(__GNUC__) && defined(__OPTIMIZE__) && defined(__thumb2__) && defined(__ARM_FEATURE_SAT) &&                 \
    !defined(ACC_DECEL_PLAIN_C) /* without optimisation there are not enough registers */
#include "acc_decel_thumb2.h"
#else

#define BYTE 0xFFU

/* sum + the products of two pairs, modulo 2^32. */
static inline uint32_t with_pair(uint32_t sum, const acc_decel_pair_t *weights, const acc_decel_pair_t *x)
{
    const int32_t even = (int32_t)weights->one[0] * x->one[0];
    const int32_t odd = (int32_t)weights->one[1] * x->one[1];
    return sum + (uint32_t)even + (uint32_t)odd;
}

/* The sums of a block for the inputs from x to `end`, two pairs at a time. Returns where its shifts are. */
static inline const acc_decel_pair_t *block_sums(const acc_decel_pair_t *block, const acc_decel_pair_t *x,
                                                 const acc_decel_pair_t *end, uint32_t sums[BLOCK_OUTPUTS])
{
    const acc_decel_pair_t *row = &block[BLOCK_OUTPUTS];
    const acc_decel_pair_t *input = x;
    uint32_t a = block[0].both;
    uint32_t b = block[1].both;
    uint32_t c = block[2].both;
    uint32_t d = block[3].both;

    while (input != end) {
        a = with_pair(a, &row[0], input);
        b = with_pair(b, &row[1], input);
        c = with_pair(c, &row[2], input);
        d = with_pair(d, &row[3], input);
        a = with_pair(a, &row[4], &input[1]);
        b = with_pair(b, &row[5], &input[1]);
        c = with_pair(c, &row[6], &input[1]);
        d = with_pair(d, &row[7], &input[1]);
        input = &input[2];
        row = &row[2U * BLOCK_OUTPUTS];
    }
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
    uint32_t sums[BLOCK_OUTPUTS];
    const acc_decel_pair_t *const shifts = block_sums(block, x, end, sums);
    const uint32_t first = shifts[0].both;
    const uint32_t second = shifts[1].both;

    y[0].one[0] = acc_decel_rectified(sums[0], first & BYTE, second & BYTE);
    y[0].one[1] = acc_decel_rectified(sums[1], (first >> 8U) & BYTE, (second >> 8U) & BYTE);
    y[1].one[0] = acc_decel_rectified(sums[2], (first >> 16U) & BYTE, (second >> 16U) & BYTE);
    y[1].one[1] = acc_decel_rectified(sums[3], first >> 24U, second >> 24U);
    return &shifts[2];
}

#endif

const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count,
                                               uint32_t shared_pairs, const acc_decel_pair_t *weights,
                                               acc_decel_pair_t *x, acc_decel_pair_t *y)
{
    const acc_decel_pair_t *next = weights;
    acc_decel_pair_t *input = x;
    acc_decel_pair_t *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        acc_decel_pair_t *const read = input;
        const acc_decel_pair_t *const end = &read[layers[i].pairs];
        acc_decel_pair_t *written = &output[shared_pairs];

        for (uint32_t left = layers[i].blocks; left > 0U; left--) {
            next = block_values(next, read, end, written);
            written = &written[2];
        }
        input = output;
        output = read;
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *weights,
                                             const acc_decel_pair_t x[], uint32_t sums[])
{
    const acc_decel_pair_t *next = weights;
    const acc_decel_pair_t *const end = &x[layer->pairs];

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        next = &block_sums(next, x, end, &sums[BLOCK_OUTPUTS * block])[2];
    }
    return next;
}
