/* A released model as emx-onnx-cgen writes it: emx_network.h is what it generated from model.onnx, status and all. */

#include "acc_decel.h"
#include "emx_network.h"

acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    float *const y = prediction->words;
    int64_t status[1];

    network(&factors->words, &y[0], &y[1], &y[2], &y[3], &y[4], status);
    return (acc_decel_status_t)status[0];
}
