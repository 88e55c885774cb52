/* A plain network as emlearn writes it: emlearn_network.h is what emlearn generated, with emlearn's own headers. */

#include "acc_decel.h"
#include "emlearn_network.h"

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    prediction->words[0] = network_regress1(factors->words, (int32_t)ACC_DECEL_COLUMN_COUNT);
    return 0U;
}
