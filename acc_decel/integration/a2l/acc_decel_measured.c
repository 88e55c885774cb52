/* Prediction and correction with the numbers that a calibration tool sets, and a copy of everything for it to watch.
 * The manual is acc_decel_measured.h. */

#include "acc_decel_measured.h"

#include <stddef.h>

ACC_DECEL_CALIBRATION_SECTION volatile const acc_decel_correction_t acc_decel_calibration = {1.0F, 0.0F, 0.0F};
acc_decel_measured_t acc_decel_measured;

acc_decel_status_t acc_decel_predict_measured(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    acc_decel_status_t status = ACC_DECEL_REFUSED;

    if ((factors != NULL) && (prediction != NULL)) {
        acc_decel_measured_t *const measured = &acc_decel_measured;
        /* Each number is read once: the tool may change it at any time. */
        const acc_decel_correction_t correction = {acc_decel_calibration.scale, acc_decel_calibration.bias,
                                                   acc_decel_calibration.lower_offset};

        measured->factors = *factors;
        status = acc_decel_predict(factors, &measured->model);
        status = acc_decel_corrected(status, &measured->model, &correction, &measured->prediction);
        acc_decel_measure_status(measured, status);
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            *prediction = measured->prediction;
        }
    }
    return status;
}
