/* The layers of the network in fixed point, four outputs at a time. */

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32) && !defined(ACC_DECEL_PLAIN_C)
#include <arm_acle.h>
#endif

#define TOGETHER 4U /* outputs of a block */
#define AHEAD 6U    /* words before the weights of a block */
#define BYTE 0xFFU
#define SIGN 0x80000000U
#define SIGN_BIT 31U
#define ONE ((uint32_t)1U)
#define ROOT_BITS 15U
#define STEPS 65535U

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

/* The sums of one block. Returns where the next block begins. */
static const acc_decel_pair_t *block_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *block,
                                          const acc_decel_pair_t x[], uint32_t sums[TOGETHER])
{
    const acc_decel_pair_t *next = sum_up(&block[AHEAD], x, layer->pairs, block, sums);

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

/* The smooth rectifier of a sum in 2^-point, shifted right to 16 bits, less 2^15. The export proves that the sum fits 32
 * bits with its sign; `point` is 16 to 30. */
static inline int16_t rectified(uint32_t sum, uint32_t point, uint32_t shift)
{
    const uint32_t one = ONE << point;
    const uint32_t above = sum & ((sum >> SIGN_BIT) - 1U); /* 0 below 0 */
    const uint32_t ramp = (above < one) ? above : one;
    const uint32_t root = ramp >> (point - ROOT_BITS);
    const uint32_t curve = (root * root) >> (((2U * ROOT_BITS) + 1U) - point);
    const uint32_t moved = ((above - ramp) + curve) >> shift;
    const int32_t steps = (int32_t)((moved < STEPS) ? moved : STEPS);
    return (int16_t)(steps - 32768);
}

/* Writes the outputs of one layer. Returns where the next one begins. */
static const acc_decel_pair_t *layer_output(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *from,
                                            const acc_decel_pair_t x[], acc_decel_pair_t y[])
{
    const acc_decel_pair_t *next = from;

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        acc_decel_pair_t *const output = &y[2U * block];
        const uint32_t points = next[TOGETHER].both;
        const uint32_t shifts = next[TOGETHER + 1U].both;
        uint32_t sums[TOGETHER];

        next = block_sums(layer, next, x, sums);
        output[0].one[0] = rectified(sums[0], points & BYTE, shifts & BYTE);
        output[0].one[1] = rectified(sums[1], (points >> 8U) & BYTE, (shifts >> 8U) & BYTE);
        output[1].one[0] = rectified(sums[2], (points >> 16U) & BYTE, (shifts >> 16U) & BYTE);
        output[1].one[1] = rectified(sums[3], points >> 24U, shifts >> 24U);
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count, uint32_t beside,
                                               const acc_decel_pair_t *from, acc_decel_pair_t *x, acc_decel_pair_t *y)
{
    const acc_decel_pair_t *next = from;
    acc_decel_pair_t *input = x;
    acc_decel_pair_t *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        acc_decel_pair_t *const read = input;
        next = layer_output(&layers[i], next, input, &output[beside]);
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
