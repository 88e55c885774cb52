/* A plain network in int8 as bakenn writes it: bakenn_network.h includes what it generated. Floats go in and come out.
 */

#define BAKENN_CMSIS_NN_BUILTIN_MEMORY /* as its own build has it: four bytes are copied by one instruction */

#include "acc_decel.h"
#include "bknn_network.h"

__attribute__((noinline)) void bknn_network_infer(uint8_t *arena, const int8_t *input, int8_t *output);

#include "bakenn_network.h"

static uint8_t arena[BKNN_NETWORK_ARENA_SIZE] __attribute__((aligned(BKNN_NETWORK_ARENA_ALIGNMENT)));

static int8_t quantised(float value)
{
    const float steps = (value * (1.0F / BKNN_NETWORK_INPUT_SCALE)) + (float)BKNN_NETWORK_INPUT_ZERO_POINT;
    const float rounded = steps + ((steps < 0.0F) ? -0.5F : 0.5F);
    return (int8_t)((rounded < -128.0F) ? -128.0F : ((rounded > 127.0F) ? 127.0F : rounded));
}

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    int8_t input[BKNN_NETWORK_INPUT_SIZE];
    int8_t output[BKNN_NETWORK_OUTPUT_SIZE];

    for (uint32_t i = 0U; i < BKNN_NETWORK_INPUT_SIZE; i++) {
        input[i] = quantised(factors->words[i]);
    }
    bknn_network_infer(arena, input, output);
    prediction->words[0] = (float)(output[0] - BKNN_NETWORK_OUTPUT_ZERO_POINT) * BKNN_NETWORK_OUTPUT_SCALE;
    return 0U;
}
