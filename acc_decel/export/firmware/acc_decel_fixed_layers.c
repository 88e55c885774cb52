/* The layers of the network in fixed point, four outputs at a time. */

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32) && !defined(ACC_DECEL_PLAIN_C)
#include <arm_acle.h>
#endif

#define TOGETHER 4U /* outputs of a block */
#define BYTE 0xFFU
#define SIGN 0x80000000U

/* sum + the products of two pairs, modulo 2^32: one instruction on a core with the DSP extension (Cortex-M4, M7, M33). */
static inline uint32_t with_pair(uint32_t sum, const acc_decel_pair_t *weights, const acc_decel_pair_t *x)
{
#if defined(__ARM_FEATURE_SIMD32) && !defined(ACC_DECEL_PLAIN_C)
    return (uint32_t)__smlad((int16x2_t)weights->both, (int16x2_t)x->both, (int32_t)sum);
#else
    const int32_t even = (int32_t)weights->one[0] * x->one[0];
    const int32_t odd = (int32_t)weights->one[1] * x->one[1];
    return sum + (uint32_t)even + (uint32_t)odd;
#endif
}

/* Writes four sums: what they start from, and weights * x, two pairs at a time. Returns where the weights end. */
static const acc_decel_pair_t *sum_up(const acc_decel_pair_t *weights, const acc_decel_pair_t x[], uint32_t pairs,
                                      const acc_decel_pair_t start[TOGETHER], uint32_t sums[TOGETHER])
{
    const acc_decel_pair_t *row = weights;
    const acc_decel_pair_t *input = x;
    const acc_decel_pair_t *const end = &x[pairs];
    uint32_t a = start[0].both;
    uint32_t b = start[1].both;
    uint32_t c = start[2].both;
    uint32_t d = start[3].both;

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
        row = &row[2U * TOGETHER];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return row;
}

/* The sums of one block, plus 2^31. Returns where the next block begins. */
static const acc_decel_pair_t *block_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *block,
                                          const acc_decel_pair_t x[], uint32_t sums[TOGETHER])
{
    const acc_decel_pair_t *next = sum_up(&block[TOGETHER + 1U], x, layer->pairs, block, sums);

    if (layer->finer != 0U) {
        static const acc_decel_pair_t nothing[TOGETHER] = {{SIGN}, {SIGN}, {SIGN}, {SIGN}};
        const uint32_t none = SIGN >> layer->finer;
        uint32_t fine[TOGETHER];

        next = sum_up(next, x, layer->pairs, nothing, fine);
        sums[0] += (fine[0] >> layer->finer) - none;
        sums[1] += (fine[1] >> layer->finer) - none;
        sums[2] += (fine[2] >> layer->finer) - none;
        sums[3] += (fine[3] >> layer->finer) - none;
    }
    return next;
}

/* Writes the outputs of one layer. Returns where the next one begins. */
static const acc_decel_pair_t *layer_output(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *from,
                                            const acc_decel_pair_t x[], acc_decel_pair_t y[])
{
    const acc_decel_pair_t *next = from;

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        acc_decel_pair_t *const output = &y[2U * block];
        const uint32_t shifts = next[TOGETHER].both;
        uint32_t sums[TOGETHER];

        next = block_sums(layer, next, x, sums);
        output[0].one[0] = acc_decel_saturated(sums[0], shifts & BYTE);
        output[0].one[1] = acc_decel_saturated(sums[1], (shifts >> 8U) & BYTE);
        output[1].one[0] = acc_decel_saturated(sums[2], (shifts >> 16U) & BYTE);
        output[1].one[1] = acc_decel_saturated(sums[3], shifts >> 24U);
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count,
                                               const acc_decel_pair_t *from, acc_decel_pair_t *x, acc_decel_pair_t *y)
{
    const acc_decel_pair_t *next = from;
    acc_decel_pair_t *input = x;
    acc_decel_pair_t *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        acc_decel_pair_t *const read = input;
        next = layer_output(&layers[i], next, input, output);
        input = output;
        output = read;
    }
    return next;
}

void acc_decel_fixed_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *from,
                          const acc_decel_pair_t x[], uint32_t sums[])
{
    const acc_decel_pair_t *next = from;

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        next = block_sums(layer, next, x, &sums[TOGETHER * block]);
    }
}
