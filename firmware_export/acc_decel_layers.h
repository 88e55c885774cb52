/* Inside of the float32 network: its layers, each weights * x + bias, and the smooth rectifier between them. */
#ifndef ACC_DECEL_LAYERS_H
#define ACC_DECEL_LAYERS_H

#include <stdint.h>

/* Sizes of a layer. Its outputs are stored in blocks of eight, then of four; a block holds its biases, then one row of
 * weights for each input. Blocks are filled up with outputs that nothing reads. */
typedef struct {
    uint32_t inputs;
    uint32_t wide;   /* blocks of eight outputs */
    uint32_t narrow; /* blocks of four outputs */
} acc_decel_layer_t;

/* Writes the sums of one layer to y, whole blocks of them. Returns where the weights of the next layer begin. */
const float *acc_decel_sums(const acc_decel_layer_t *layer, const float *from, const float x[], float y[]);

/* Sends x through `count` layers and rectifiers, from x to y and back, whose weights begin at `from`. Every layer reads
 * from the front on and writes from place `beside` on: what stands before it in x and in y, every layer sees. The output
 * is in y if the count is odd, in x if it is even. Both are apart and have room for the whole blocks of every layer. */
const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, uint32_t beside, const float *from,
                              float *x, float *y);

#endif
