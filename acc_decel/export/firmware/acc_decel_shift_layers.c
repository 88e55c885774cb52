/* The layers of the network without a multiplication, four outputs at a time: for cores that multiply slowly or not at
 * all. Sums are modulo 2^32, as in acc_decel_fixed_layers.c; the same proof shows that they fit. */

#include "acc_decel_shift_layers.h"

#include "acc_decel_fixed_layers.h"

#include <stdint.h>

#define BLOCK_OUTPUTS 4U /* outputs of a block */
#define AHEAD 7U         /* words before the codes of a block */
#define BYTE 0xFFU
#define BYTE_BITS 8U
#define SIGN_BIT 31U
#define MAX_RAMP 32767U /* almost 1, in 2^-15 */
#define STEPS 65535U
#define VALUES (2U + (2U * ACC_DECEL_MAX_INPUTS))

/* The values that terms can add: 0, and for each input x: x and -1 - x. */
static void spread(const acc_decel_pair_t x[], uint32_t pairs, int16_t values[VALUES])
{
    values[0] = 0; /* no term names values[1] */
    for (uint32_t i = 0U; i < pairs; i++) {
        int16_t *const next = &values[4U * i];
        const int32_t even = x[i].one[0];
        const int32_t odd = x[i].one[1];

        next[2] = (int16_t)even;
        next[3] = (int16_t)(-1 - even);
        next[4] = (int16_t)odd;
        next[5] = (int16_t)(-1 - odd);
    }
}

/* Adds the terms of one output to *sum, from the largest power of two to 1: the total is doubled before the terms of
 * the next smaller power are added. Returns where the codes of the next output start. */
static const uint8_t *add_terms(const uint8_t *codes, const int16_t values[VALUES], uint32_t *sum)
{
    const uint8_t *code = &codes[1];
    uint32_t total = 0U;

    for (uint32_t powers = codes[0]; powers > 0U; powers--) {
        const uint8_t *const end = &code[1U + code[0]];

        total += total;
        for (code = &code[1]; code != end; code = &code[2]) {
            const int32_t one = values[code[0]];
            const int32_t other = values[code[1]];
            total += (uint32_t)one;
            total += (uint32_t)other;
        }
    }
    *sum += total;
    return code;
}

/* The sums of one block. Returns where the next block starts. */
static const acc_decel_pair_t *block_sums(const acc_decel_pair_t *block, const int16_t values[VALUES],
                                          uint32_t sums[BLOCK_OUTPUTS])
{
    const uint8_t *code = (const uint8_t *)&block[AHEAD];

    for (uint32_t i = 0U; i < BLOCK_OUTPUTS; i++) {
        sums[i] = block[i].both;
        code = add_terms(code, values, &sums[i]);
    }
    return &block[AHEAD + block[AHEAD - 1U].both];
}

/* The square of a number below 2^15, from quarter squares: a * b = (a + b)^2 / 4 - (a - b)^2 / 4. */
static inline uint32_t squared(uint32_t root)
{
    const uint32_t high = root >> BYTE_BITS;
    const uint32_t low = root & BYTE;
    const uint32_t apart = high - low;
    const uint32_t below = 0U - (apart >> SIGN_BIT); /* all ones if high < low, else 0 */
    const uint32_t product =
        (uint32_t)acc_decel_quarter_squares[high + low] - acc_decel_quarter_squares[(apart ^ below) - below];
    const uint32_t outer = (uint32_t)acc_decel_quarter_squares[high + high] << (2U * BYTE_BITS);

    return outer + (product << (BYTE_BITS + 1U)) + acc_decel_quarter_squares[low + low];
}

/* The smooth rectifier of acc_decel_fixed_layers.h. */
static inline int16_t rectified_by_table(uint32_t sum, uint32_t first, uint32_t second)
{
    const uint32_t above = (sum & ((sum >> SIGN_BIT) - 1U)) >> first; /* 0 for a negative sum */
    const uint32_t ramp = (above < MAX_RAMP) ? above : MAX_RAMP;
    const uint32_t moved = ((above - ramp) + (squared(ramp) >> 16U)) >> second;
    const int32_t steps = (int32_t)((moved < STEPS) ? moved : STEPS);
    return (int16_t)(steps - 32768);
}

/* Writes the outputs of one layer. Returns where the next layer starts. */
static const acc_decel_pair_t *layer_output(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *weights,
                                            const acc_decel_pair_t x[], acc_decel_pair_t y[])
{
    const acc_decel_pair_t *next = weights;
    int16_t values[VALUES];

    spread(x, layer->pairs, values);
    for (uint32_t block = 0U; block < layer->blocks; block++) {
        uint32_t first = next[BLOCK_OUTPUTS].both;
        uint32_t second = next[BLOCK_OUTPUTS + 1U].both;
        uint32_t sums[BLOCK_OUTPUTS];

        next = block_sums(next, values, sums);
        for (uint32_t i = 0U; i < BLOCK_OUTPUTS; i++) {
            acc_decel_put(&y[2U * block], i, rectified_by_table(sums[i], first & BYTE, second & BYTE));
            first >>= BYTE_BITS;
            second >>= BYTE_BITS;
        }
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count,
                                               uint32_t shared_pairs, const acc_decel_pair_t *weights,
                                               acc_decel_pair_t *x, acc_decel_pair_t *y)
{
    const acc_decel_pair_t *next = weights;
    acc_decel_pair_t *input = x;
    acc_decel_pair_t *output = y;
    const acc_decel_fixed_layer_t *layer = layers; /* layers[i] would multiply i by the size of a layer */

    for (uint32_t left = count; left > 0U; left--) {
        acc_decel_pair_t *const read = input;
        next = layer_output(layer, next, input, &output[shared_pairs]);
        layer = &layer[1];
        input = output;
        output = read;
    }
    return next;
}

const acc_decel_pair_t *acc_decel_fixed_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *weights,
                                             const acc_decel_pair_t x[], uint32_t sums[])
{
    const acc_decel_pair_t *next = weights;
    int16_t values[VALUES];

    spread(x, layer->pairs, values);
    for (uint32_t block = 0U; block < layer->blocks; block++) {
        next = block_sums(next, values, &sums[BLOCK_OUTPUTS * block]);
    }
    return next;
}
