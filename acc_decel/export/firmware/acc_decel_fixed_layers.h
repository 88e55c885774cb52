/* Internal to the network in fixed point: its layers. A word holds two 16-bit integers. For little-endian cores. */
#ifndef ACC_DECEL_FIXED_LAYERS_H
#define ACC_DECEL_FIXED_LAYERS_H

#include <stdint.h>

/* Two neighbouring values or weights, or one 32-bit number. */
typedef union {
    uint32_t both;
    int16_t one[2];
} acc_decel_pair_t;

/* Sizes of a layer. Its outputs are stored in blocks of four: four biases, then for each pair of inputs one pair of
 * weights for each output, then one word with the first shifts of their rectifiers and one with the second
 * shifts, one byte each. The last block is padded with outputs that nothing reads. */
typedef struct {
    uint32_t pairs;  /* of inputs, an even number */
    uint32_t blocks; /* of four outputs */
} acc_decel_fixed_layer_t;

/* Computes `count` layers with rectifiers, as acc_decel_layers() does for floats; `shared_pairs` counts pairs. */
const acc_decel_pair_t *acc_decel_fixed_layers(const acc_decel_fixed_layer_t layers[], uint32_t count,
                                               uint32_t shared_pairs, const acc_decel_pair_t *weights,
                                               acc_decel_pair_t *x, acc_decel_pair_t *y);

/* Writes the sums of one layer, in whole blocks, without rectifier. Returns where the next layer starts. */
const acc_decel_pair_t *acc_decel_fixed_sums(const acc_decel_fixed_layer_t *layer, const acc_decel_pair_t *weights,
                                             const acc_decel_pair_t x[], uint32_t sums[]);

/* The smooth rectifier of a sum, minus 2^15: 0 below 0, z^2 / 2 up to 1, z - 1/2 above. The first shift, 1 to 15 bits
 * to the right, leaves 15 bits after the binary point; the second makes the result fit 16 bits. The export proves that
 * the sum fits a signed 32-bit integer. */
static inline int16_t acc_decel_rectified(uint32_t sum, uint32_t first, uint32_t second)
{
    const uint32_t above = (sum & ((sum >> 31U) - 1U)) >> first; /* 0 for a negative sum */
    const uint32_t ramp = (above < 32767U) ? above : 32767U;
    const uint32_t moved = ((above - ramp) + ((ramp * ramp) >> 16U)) >> second;
    const int32_t steps = (int32_t)((moved < 65535U) ? moved : 65535U);
    return (int16_t)(steps - 32768);
}

static inline void acc_decel_put(acc_decel_pair_t pairs[], uint32_t at, int16_t value)
{
    pairs[at / 2U].one[at % 2U] = value;
}

static inline int16_t acc_decel_got(const acc_decel_pair_t pairs[], uint32_t at)
{
    return pairs[at / 2U].one[at % 2U];
}

#endif
