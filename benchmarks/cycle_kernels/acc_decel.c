/* Calls the kernel with a decaying signal, in RAM as on the boards. */

#include "acc_decel.h"

static float x[SAMPLES];
static float y[SAMPLES];
static float coefficients[64];

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float value = factors->words[0];

    for (uint32_t i = 0U; i < SAMPLES; i++) {
        x[i] = value;
        value *= 0.99F;
    }
    for (uint32_t i = 0U; i < 64U; i++) {
        coefficients[i] = 0.25F / (float)(i + 1U);
    }
    kernel(x, y, coefficients);
    prediction->words[0] = y[SAMPLES - 1U];
    return 0U;
}

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    return acc_decel_network(factors, prediction);
}

int acc_decel_self_test(void)
{
    return 0;
}
