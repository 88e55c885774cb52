/* A plain network of three layers in fixed point, through the layers of the firmware; its rectifier has a corner. */

#include "acc_decel.h"
#include "acc_decel_fixed_layers.h"

static int16_t rectified(uint32_t sum, uint32_t shift)
{
    const uint32_t moved = (sum & ((sum >> 31U) - 1U)) >> shift;
    return (int16_t)((int32_t)((moved < 65535U) ? moved : 65535U) - 32768);
}

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    acc_decel_pair_t x[WIDEST / 2U];
    uint32_t sums[WIDEST];
    const acc_decel_pair_t *next = weights;

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        x[i] = factors->words[i];
    }
    for (uint32_t layer = 0U; layer < (LAYERS - 1U); layer++) {
        next = acc_decel_fixed_sums(&layers[layer], next, x, sums);
        for (uint32_t i = 0U; i < WIDEST; i++) {
            acc_decel_put(x, i, rectified(sums[i], shifts[(layer * WIDEST) + i]));
        }
    }
    (void)acc_decel_fixed_sums(&layers[LAYERS - 1U], next, x, sums);
    prediction->words[0].both = sums[0] + 0x80000000U;
    return 0U;
}
