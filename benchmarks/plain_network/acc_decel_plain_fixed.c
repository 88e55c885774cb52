/* A plain network of three layers in fixed point, through the layers of the firmware. */

#include "acc_decel.h"
#include "acc_decel_fixed_layers.h"

void acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    acc_decel_pair_t x[WIDEST];
    acc_decel_pair_t y[WIDEST];
    uint32_t sums[4];
    const acc_decel_pair_t *next;

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        x[i] = factors->words[i];
    }
    next = acc_decel_fixed_layers(layers, LAYERS - 1U, weights, x, y);
    acc_decel_fixed_sums(&layers[LAYERS - 1U], next, x, sums);
    prediction->words[0].both = sums[0];
}
