/* Inside of the float32 network: its layers, each weights * x + bias, and the smooth rectifier between them. */
#ifndef ACC_DECEL_LAYERS_H
#define ACC_DECEL_LAYERS_H

#include <stdint.h>

/* Sizes of a layer. Its outputs are stored in blocks of eight, then one of four, of two and of one, as they add up; a
 * block holds its biases, then one row of weights for each input. */
typedef struct {
    uint32_t inputs;
    uint32_t outputs;
    uint32_t bent; /* 1 if the rectifier follows, 0 if not */
} acc_decel_layer_t;

/* Sends x through `count` layers, from x to y and back; their weights begin at `from`. Every layer reads from the
 * front on and writes from place `beside` on: what stands before it in x and in y, every layer sees. What the last one
 * writes is in y if the count is odd, in x if it is even. Returns where the weights of the next layer begin. */
const float *acc_decel_layers(const acc_decel_layer_t layers[], uint32_t count, uint32_t beside, const float *from,
                              float *x, float *y);

#endif
