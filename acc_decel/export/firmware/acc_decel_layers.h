/* Internal to the float32 network: its layers, each weights * x + bias, and the smooth rectifier between them. */
#ifndef ACC_DECEL_LAYERS_H
#define ACC_DECEL_LAYERS_H

#include <stdint.h>

/* Sizes of a layer. Its outputs are stored in blocks of eight, then at most one block of four, one of two
 * and one of one for the rest. A block holds its biases, then one row of weights for each input. */
typedef struct {
    uint32_t inputs;
    uint32_t outputs;
    uint32_t rectified; /* 1 if the rectifier follows, else 0 */
} acc_decel_layer_t;

/* Computes `count` layers, alternately from x to y and from y to x; their weights start at `weights`. Every layer reads
 * its inputs from the start of a buffer and writes its outputs from index `shared_count` on: the first `shared_count`
 * values of both buffers are shared inputs of all layers. The outputs of the last layer are in y if the count is odd,
 * in x if it is even. Returns where the weights of the next layer start. */
const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, uint32_t shared_count,
                              const float *weights, float *x, float *y);

#endif
