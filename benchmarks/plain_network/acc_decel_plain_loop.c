/* A plain network as one writes it by hand: a loop over outputs, in it one over inputs. */

#include "acc_decel.h"

static void layer_output(const loop_layer_t *layer, const float x[], float y[])
{
    for (uint32_t output = 0U; output < layer->outputs; output++) {
        float sum = layer->bias[output];
        for (uint32_t input = 0U; input < layer->inputs; input++) {
            sum += layer->weights[(output * layer->inputs) + input] * x[input];
        }
        y[output] = ((layer->rectified != 0U) && (sum < 0.0F)) ? 0.0F : sum;
    }
}

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float buffers[2][WIDEST];
    const float *x = factors->words;

    for (uint32_t i = 0U; i < LAYERS; i++) {
        layer_output(&loop_layers[i], x, buffers[i % 2U]);
        x = buffers[i % 2U];
    }
    prediction->words[0] = x[0];
    return 0U;
}
