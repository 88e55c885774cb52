/* The layers of the float32 network, block by block.
 *
 * Every sum begins with the bias and takes the inputs in their order, multiplication and addition apart: all cores and
 * compilers give the same bits, and so does NumPy. */

#include "acc_decel_layers.h"

#include <stdint.h>

#define WIDE 8U   /* outputs of a wide block */
#define NARROW 4U /* outputs of a narrow block */
#define HAS_LOW 1U
#define HAS_HIGH 2U

#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP) && !defined(ACC_DECEL_PLAIN_C)
#include "acc_decel_cortex_m4f.h"
#else

/* One block: y = clamp(weights * x + bias). The block holds biases, one row of weights for each input, lower limits if
 * bit 0 of `limits` is set, upper limits if bit 1 is, each `height` numbers. Returns where the next block begins. */
static inline const float *block_output(const float *block, uint32_t height, uint32_t limits, const float *restrict x,
                                        uint32_t inputs, float *restrict y)
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
    if ((limits & HAS_LOW) != 0U) {
        for (uint32_t i = 0U; i < height; i++) {
            y[i] = (y[i] < row[i]) ? row[i] : y[i];
        }
        row = &row[height];
    }
    if ((limits & HAS_HIGH) != 0U) {
        for (uint32_t i = 0U; i < height; i++) {
            y[i] = (y[i] > row[i]) ? row[i] : y[i];
        }
        row = &row[height];
    }
    return row;
}

static const float *wide_output(const float *block, uint32_t limits, const float x[], uint32_t inputs, float y[])
{
    return block_output(block, WIDE, limits, x, inputs, y);
}

static const float *narrow_output(const float *block, uint32_t limits, const float x[], uint32_t inputs, float y[])
{
    return block_output(block, NARROW, limits, x, inputs, y);
}

#endif

static const float *layer_output(const acc_decel_layer_t *layer, const float *from, const float x[], float y[])
{
    const float *block = from;
    uint32_t limits = layer->limits;
    uint32_t output = 0U;

    for (uint32_t i = 0U; i < layer->wide; i++) {
        block = wide_output(block, limits, x, layer->inputs, &y[output]);
        output += WIDE;
        limits >>= 2U;
    }
    for (uint32_t i = 0U; i < layer->narrow; i++) {
        block = narrow_output(block, limits, x, layer->inputs, &y[output]);
        output += NARROW;
        limits >>= 2U;
    }
    return block;
}

const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, const float *from, float *x, float *y)
{
    const float *next = from;
    float *input = x;
    float *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        float *const read = input;
        next = layer_output(&layers[i], next, input, output);
        input = output;
        output = read;
    }
    return next;
}
