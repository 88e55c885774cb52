/* Inside of the float32 network: its layers, each y = clamp(weights * x + bias, low, high). */
#ifndef ACC_DECEL_LAYERS_H
#define ACC_DECEL_LAYERS_H

#include <stdint.h>

/* Sizes of a layer. Its outputs are stored in blocks of eight, then of four; a block holds its biases, one row of
 * weights for each input, and the limits that it has. Blocks are filled up with outputs that nothing reads. */
typedef struct {
    uint32_t inputs;
    uint32_t wide;   /* blocks of eight outputs */
    uint32_t narrow; /* blocks of four outputs */
    uint32_t limits; /* two bits for each block, from bit 0 on: has lower limits, has upper limits */
} acc_decel_layer_t;

/* Sends the inputs x through `count` layers, from x to y and back, whose weights begin at `from`. The output is in y if
 * the count is odd, in x if it is even. Both are apart and have room for the whole blocks of every layer. Returns where
 * the weights of the next layer begin. */
const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, const float *from, float *x, float *y);

#endif
