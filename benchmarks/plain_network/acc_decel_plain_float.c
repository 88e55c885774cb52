/* A plain network of three layers in float32, through the layers of the firmware; its rectifier has a corner. */

#include "acc_decel.h"
#include "acc_decel_layers.h"
#include "acc_decel_word.h"

static float rectified(float sum)
{
    acc_decel_word_t above;

    above.value = sum;
    above.bits &= (above.bits >> 31U) - 1U; /* 0 below 0 */
    return above.value;
}

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float x[WIDEST];
    float y[WIDEST];
    const float *next = weights;

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        x[i] = factors->words[i];
    }
    for (uint32_t layer = 0U; layer < (LAYERS - 1U); layer++) {
        next = acc_decel_layers(&layers[layer], 1U, 0U, next, x, y);
        for (uint32_t i = 0U; i < WIDEST; i++) {
            x[i] = rectified(y[i]);
        }
    }
    (void)acc_decel_layers(&layers[LAYERS - 1U], 1U, 0U, next, x, y);
    prediction->words[0] = y[0];
    return 0U;
}
