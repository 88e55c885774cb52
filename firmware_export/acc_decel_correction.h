/* A prediction adapted to one car: a positive scale and a bias on every deceleration, an offset of the lower bounds,
 * as `acc-decel drives correct` and `acc-decel drives bound` fit them to stops of that car. Optional: leave this header
 * and acc_decel_correction.c out if no car is corrected.
 *
 *     static const acc_decel_correction_t correction = {0.86F, 0.12F, 0.0F};
 *     status = acc_decel_predict(&factors, &prediction);
 *     status = acc_decel_corrected(status, &prediction, &correction, &prediction);
 *     if ((status & ACC_DECEL_REFUSED) == 0U) {
 *         distance = acc_decel_stopping_distance(factors.speed, prediction.deceleration, prediction.delay);
 *     }
 *
 * A correction belongs to the model that it was fitted to: keep them together. What is monotone stays so. The functions
 * keep no state; their arithmetic is float32 in a fixed order, also where the network is in fixed point.
 */
#ifndef ACC_DECEL_CORRECTION_H
#define ACC_DECEL_CORRECTION_H

#include "acc_decel.h"

#include <stdbool.h>

/* Deceleration of this car = scale * deceleration of the model + bias. {1.0F, 0.0F, 0.0F} corrects nothing. */
typedef struct {
    float scale;        /* ACC_DECEL_LEAST_SCALE to ACC_DECEL_GREATEST_SCALE */
    float bias;         /* [m/s^2] up to ACC_DECEL_GREATEST_BIAS, of either sign */
    float lower_offset; /* [m/s^2] the same; taken off the lower bounds, below 0 it raises deceleration_lower alone */
} acc_decel_correction_t;

/* True if scale, bias and offset are within their limits; false for NaN, infinity and a NULL pointer. */
bool acc_decel_correction_accepted(const acc_decel_correction_t *correction);

/* Writes the prediction for this car to *corrected, which may be *prediction, and returns its status: that of the
 * prediction, with ACC_DECEL_BELOW_COMFORT told anew. Scale and bias alone never raise a lower bound; the quantiles stay
 * in order; the delay stays as it is. Compute stopping distances from the corrected decelerations.
 *
 * ACC_DECEL_REFUSED: *corrected is left untouched, because the status was refused already, the correction is not
 * accepted, or a pointer is NULL. */
acc_decel_status_t acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                       const acc_decel_correction_t *correction, acc_decel_prediction_t *corrected);

#endif
