/* Adapts a prediction to one car: a positive scale and a bias for every deceleration, an offset for the lower bounds.
 * `acc-decel drives correct` and `acc-decel drives bound` fit them to stops of that car. Optional: leave out this
 * header and acc_decel_correction.c if no car is corrected.
 *
 *     static const acc_decel_correction_t correction = {0.86F, 0.12F, 0.0F};
 *     status = acc_decel_predict(&factors, &prediction);
 *     status = acc_decel_corrected(status, &prediction, &correction, &prediction);
 *     if ((status & ACC_DECEL_REFUSED) == 0U) {
 *         distance = acc_decel_stopping_distance(factors.speed, prediction.deceleration_lower, prediction.delay);
 *     }
 *
 * A correction belongs to the model that it was fitted to: keep them together. A corrected prediction stays monotone.
 * The functions keep no state; their arithmetic is float32 in a fixed order, even if the network is in fixed point.
 */
#ifndef ACC_DECEL_CORRECTION_H
#define ACC_DECEL_CORRECTION_H

#include "acc_decel.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Deceleration of this car = scale * deceleration of the model + bias. {1.0F, 0.0F, 0.0F} changes nothing. */
typedef struct {
    float scale;        /* ACC_DECEL_LEAST_SCALE to ACC_DECEL_GREATEST_SCALE */
    float bias;         /* [m/s^2] within +-ACC_DECEL_GREATEST_BIAS */
    float lower_offset; /* [m/s^2] the same; subtracted from lower bounds; if negative, only from deceleration_lower */
} acc_decel_correction_t;

/* True if scale, bias and offset are within their limits; false for NaN, infinity and a NULL pointer. */
bool acc_decel_correction_accepted(const acc_decel_correction_t *correction);

/* Writes the prediction for this car to *corrected, which may be *prediction, and returns its status: the one
 * of the prediction, with ACC_DECEL_BELOW_COMFORT computed again. Scale and bias alone never raise a lower bound; the
 * quantiles stay in order; the delay does not change. Compute stopping distances from the corrected decelerations.
 *
 * ACC_DECEL_CORRECTION_LIMITED: the correction asked for more than a car can do, so one or more decelerations are cut
 * to ACC_DECEL_LEAST_DECELERATION or ACC_DECEL_GREATEST_DECELERATION. Such a correction is wrong for this car, at least
 * for these factors: do not use the prediction.
 *
 * ACC_DECEL_REFUSED: *corrected is left unchanged, because the status was refused already, the correction is not
 * accepted, or a pointer is NULL. */
acc_decel_status_t acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                       const acc_decel_correction_t *correction, acc_decel_prediction_t *corrected);

#ifdef __cplusplus
}
#endif

#endif
