/* A plain network of three layers in float32, through the layers of the firmware. */

#include "acc_decel.h"
#include "acc_decel_layers.h"

void acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float x[WIDEST];
    float y[WIDEST];

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        x[i] = factors->words[i];
    }
    (void)acc_decel_layers(layers, LAYERS, weights, x, y);
    prediction->words[0] = y[0];
}
