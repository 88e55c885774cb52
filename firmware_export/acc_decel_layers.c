/* The layers of the float32 network, block by block.
 *
 * Every sum starts with the bias and adds the inputs in their order, with separate multiplications and additions: all
 * cores and compilers give the same bits, and so does NumPy. */

#include "acc_decel_layers.h"

#include "acc_decel_word.h"

#include <stdint.h>

#define EIGHT 8U /* outputs of a block */
#define FOUR 4U
#define TWO 2U

#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP) && !defined(ACC_DECEL_PLAIN_C)
#include "acc_decel_cortex_m4f.h"
#else

#define SIGN_BIT 31U
#define BITS_OF_QUARTER 0x3E800000U /* of 1/4 */

/* The smooth rectifier: 0 below 0, 4 sum^2 up to 1/4, 2 sum - 1/4 above. The bits of floats above 0 have the same order
 * as the floats, so no comparison of floats and no branch is needed. */
static inline float smooth_rectifier(float sum)
{
    acc_decel_word_t above; /* max(sum, 0) */
    acc_decel_word_t ramp;  /* min(above, 1/4) */
    float beyond;
    float twice;

    above.value = sum;
    above.bits &= (above.bits >> SIGN_BIT) - 1U;
    ramp.bits = (above.bits < BITS_OF_QUARTER) ? above.bits : BITS_OF_QUARTER;
    beyond = above.value - ramp.value;
    twice = ramp.value + ramp.value;
    return (beyond + beyond) + (twice * twice);
}

/* One block: y = weights * x + bias, with or without the rectifier. The block holds biases, then one row of weights for
 * each input, each `height` numbers. Returns where the next block begins. */
static inline const float *block_values(const float *block, uint32_t height, const float *restrict x, uint32_t inputs,
                                        uint32_t rectified, float *restrict y)
{
    const float *row = block;

    for (uint32_t i = 0U; i < height; i++) {
        y[i] = row[i];
    }
    row = &row[height];
    for (uint32_t input = 0U; input < inputs; input++) {
        const float value = x[input];
        for (uint32_t i = 0U; i < height; i++) {
            y[i] += row[i] * value;
        }
        row = &row[height];
    }
    if (rectified != 0U) {
        for (uint32_t i = 0U; i < height; i++) {
            y[i] = smooth_rectifier(y[i]);
        }
    }
    return row;
}

static const float *values_8(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    return block_values(block, EIGHT, x, inputs, rectified, y);
}

static const float *values_4(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    return block_values(block, FOUR, x, inputs, rectified, y);
}

static const float *values_2(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    return block_values(block, TWO, x, inputs, rectified, y);
}

static const float *values_1(const float *block, const float x[], uint32_t inputs, uint32_t rectified, float y[])
{
    return block_values(block, 1U, x, inputs, rectified, y);
}

#endif

/* One layer, with or without the rectifier. Returns where the weights of the next layer begin. */
static const float *layer_values(const acc_decel_layer_t *layer, const float *weights, const float x[], float y[])
{
    const uint32_t outputs = layer->outputs;
    const float *block = weights;
    float *output = y;

    for (uint32_t left = outputs / EIGHT; left > 0U; left--) {
        block = values_8(block, x, layer->inputs, layer->rectified, output);
        output = &output[EIGHT];
    }
    if ((outputs % EIGHT) != 0U) {
        if ((outputs & FOUR) != 0U) {
            block = values_4(block, x, layer->inputs, layer->rectified, output);
            output = &output[FOUR];
        }
        if ((outputs & TWO) != 0U) {
            block = values_2(block, x, layer->inputs, layer->rectified, output);
            output = &output[TWO];
        }
        if ((outputs & 1U) != 0U) {
            block = values_1(block, x, layer->inputs, layer->rectified, output);
        }
    }
    return block;
}

const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, uint32_t shared_count,
                              const float *weights, float *x, float *y)
{
    const float *next = weights;
    float *input = x;
    float *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        float *const read = input;

        next = layer_values(&layers[i], next, input, &output[shared_count]);
        input = output;
        output = read;
    }
    return next;
}
