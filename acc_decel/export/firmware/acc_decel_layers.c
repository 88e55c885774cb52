/* The layers of the float32 network, block by block.
 *
 * Every sum begins with the bias and takes the inputs in their order, multiplication and addition apart: all cores and
 * compilers give the same bits, and so does NumPy. */

#include "acc_decel_layers.h"

#include "acc_decel_word.h"

#include <stdint.h>

#define WIDE 8U   /* outputs of a wide block */
#define NARROW 4U /* outputs of a narrow block */
#define SIGN_BIT 31U
#define BITS_OF_ONE 0x3F800000U /* of 1.0 */

#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP) && !defined(ACC_DECEL_PLAIN_C)
#include "acc_decel_cortex_m4f.h"
#else

/* One block: y = weights * x + bias. The block holds biases, then one row of weights for each input, each `height`
 * numbers. Returns where the next block begins. */
static inline const float *block_sums(const float *block, uint32_t height, const float *restrict x, uint32_t inputs,
                                      float *restrict y)
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
    return row;
}

static const float *wide_sums(const float *block, const float x[], uint32_t inputs, float y[])
{
    return block_sums(block, WIDE, x, inputs, y);
}

static const float *narrow_sums(const float *block, const float x[], uint32_t inputs, float y[])
{
    return block_sums(block, NARROW, x, inputs, y);
}

#endif

/* The smooth rectifier: 0 below 0, sum^2 / 2 up to 1, sum - 1/2 above. The bits of floats above 0 ascend as they do, so
 * that no comparison of floats, and no branch, is needed. */
static inline float rectified(float sum)
{
    acc_decel_word_t above; /* the sum, or 0 if it is less */
    acc_decel_word_t ramp;  /* that, or 1 if it is more */

    above.value = sum;
    above.bits &= (above.bits >> SIGN_BIT) - 1U;
    ramp.bits = (above.bits < BITS_OF_ONE) ? above.bits : BITS_OF_ONE;
    return (above.value - ramp.value) + ((ramp.value * 0.5F) * ramp.value);
}

/* The same for the numbers of a narrow block. */
static void rectify(float sums[NARROW])
{
    sums[0] = rectified(sums[0]);
    sums[1] = rectified(sums[1]);
    sums[2] = rectified(sums[2]);
    sums[3] = rectified(sums[3]);
}

const float *acc_decel_sums(const acc_decel_layer_t *layer, const float *from, const float x[], float y[])
{
    const float *block = from;
    uint32_t output = 0U;

    for (uint32_t i = 0U; i < layer->wide; i++) {
        block = wide_sums(block, x, layer->inputs, &y[output]);
        output += WIDE;
    }
    for (uint32_t i = 0U; i < layer->narrow; i++) {
        block = narrow_sums(block, x, layer->inputs, &y[output]);
        output += NARROW;
    }
    return block;
}

const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, uint32_t beside, const float *from,
                              float *x, float *y)
{
    const float *next = from;
    float *input = x;
    float *output = y;

    for (uint32_t i = 0U; i < count; i++) {
        float *const read = input;
        const uint32_t end = beside + (WIDE * layers[i].wide) + (NARROW * layers[i].narrow);

        next = acc_decel_sums(&layers[i], next, input, &output[beside]);
        for (uint32_t at = beside; at < end; at += NARROW) {
            rectify(&output[at]);
        }
        input = output;
        output = read;
    }
    return next;
}
