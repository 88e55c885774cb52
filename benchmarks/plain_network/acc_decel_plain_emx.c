/* A plain network as emx-onnx-cgen writes it: emx_network.h is what it generated from the network's ONNX. */

#include "acc_decel.h"
#include "emx_network.h"

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float output[1][1];

    network(&factors->words, output);
    prediction->words[0] = output[0][0];
    return 0U;
}
