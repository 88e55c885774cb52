/* The layers of the network in fixed point, four outputs at a time. */

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

#define TOGETHER 4U /* outputs of a block */
#define AHEAD 6U    /* words before the weights of a block */
#define SIGN 0x80000000U

#if defined(__GNUC__) && defined(__OPTIMIZE__) && defined(__thumb2__) && defined(__ARM_FEATURE_SIMD32) && \
    !defined(ACC_DECEL_PLAIN_C) /* without optimisation, registers run out */
#include "acc_decel_cortex_m4.h"
#else

#define BYTE 0xFFU

/* sum + the products of two pairs, modulo 2^32. */
static inline uint32_t with_pair(uint32_t sum, const acc_decel_pair_t *weights, const acc_decel_pair_t *x)
{
    const int32_t even = (int32_t)weights->one[0] * x->one[0];
    const int32_t odd = (int32_t)weights->one[1] * x->one[1];
    return sum + (uint32_t)even + (uint32_t)odd;
}

/* Adds weights * x to four sums, two pairs at a time. `before` is the word before the weights. Returns their last one. */
static const acc_decel_pair_t *add_products(const acc_decel_pair_t *before, const acc_decel_pair_t x[], uint32_t pairs,
                                            uint32_t sums[TOGETHER])
{
    const acc_decel_pair_t *row = before;
    const acc_decel_pair_t *input = x;
    const acc_decel_pair_t *const end = &x[pairs];
    uint32_t a = sums[0];
    uint32_t b = sums[1];
    uint32_t c = sums[2];
    uint32_t d = sums[3];

    while (input != end) {
        a = with_pair(a, &row[1], input);
        b = with_pair(b, &row[2], input);
        c = with_pair(c, &row[3], input);
        d = with_pair(d, &row[4], input);
        a = with_pair(a, &row[5], &input[1]);
        b = with_pair(b, &row[6], &input[1]);
        c = with_pair(c, &row[7], &input[1]);
        d = with_pair(d, &row[8], &input[1]);
        input = &input[2];
        row = &row[2U * TOGETHER];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return row;
}

/* Writes what the rectifier makes of four sums, in shifts of a byte each. */
static void rectify(const uint32_t sums[TOGETHER], uint32_t first, uint32_t second, acc_decel_pair_t y[2])
{
    y[0].one[0] = acc_decel_rectified(sums[0], first & BYTE, second & BYTE);
    y[0].one[1] = acc_decel_rectified(sums[1], (first >> 8U) & BYTE, (second >> 8U) & BYTE);
    y[1].one[0] = acc_decel_rectified(sums[2], (first >> 16U) & BYTE, (second >> 16U) & BYTE);
    y[1].one[1] = acc_decel_rectified(sums[3], first >> 24U, second >> 24U);
}

#endif

/* The sums of one block. Returns where the next block begins. */
static inline const acc_decel_pair_t *block_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *block,
                                                 const acc_decel_pair_t x[], uint32_t sums[TOGETHER])
{
    const acc_decel_pair_t *last;

    sums[0] = block[0].both;
    sums[1] = block[1].both;
    sums[2] = block[2].both;
    sums[3] = block[3].both;
    last = add_products(&block[AHEAD - 1U], x, layer->pairs, sums);
    if (layer->finer != 0U) {
        const uint32_t none = SIGN >> layer->finer;
        uint32_t fine[TOGETHER] = {SIGN, SIGN, SIGN, SIGN};

        last = add_products(last, x, layer->pairs, fine);
        sums[0] += (fine[0] >> layer->finer) - none;
        sums[1] += (fine[1] >> layer->finer) - none;
        sums[2] += (fine[2] >> layer->finer) - none;
        sums[3] += (fine[3] >> layer->finer) - none;
    }
    return &last[1];
}

const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count, uint32_t beside,
                                               const acc_decel_pair_t *from, acc_decel_pair_t *x, acc_decel_pair_t *y)
{
    const acc_decel_pair_t *next = from;
    acc_decel_pair_t *input = x;
    acc_decel_pair_t *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        acc_decel_pair_t *const read = input;
        acc_decel_pair_t *written = &output[beside];

        for (uint32_t left = layers[i].blocks; left > 0U; left--) {
            const acc_decel_pair_t *const block = next;
            uint32_t sums[TOGETHER];

            next = block_sums(&layers[i], block, input, sums);
            rectify(sums, block[TOGETHER].both, block[TOGETHER + 1U].both, written);
            written = &written[2];
        }
        input = output;
        output = read;
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *from,
                                             const acc_decel_pair_t x[], uint32_t sums[])
{
    const acc_decel_pair_t *next = from;

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        next = block_sums(layer, next, x, &sums[TOGETHER * block]);
    }
    return next;
}
