/* The correction of a prediction to one car. The manual is acc_decel_correction.h. */

#include "acc_decel_correction.h"

#include "acc_decel_word.h"

#include <stdbool.h>
#include <stddef.h>

/* False for NaN. */
static bool is_between(float value, float low, float high)
{
    return (value >= low) && (value <= high);
}

static float transformed(const acc_decel_correction_t *correction, float deceleration)
{
    return (correction->scale * deceleration) + correction->bias;
}

/* A scaled lower bound, but never above the original one. */
static float not_raised(const acc_decel_correction_t *correction, float deceleration)
{
    return acc_decel_smaller(transformed(correction, deceleration), deceleration);
}

/* Cuts a deceleration to what a car can do, and then sets the flag. */
static float cut(float deceleration, acc_decel_status_t *status)
{
    float result = deceleration;

    if (deceleration < ACC_DECEL_LEAST_DECELERATION) {
        result = ACC_DECEL_LEAST_DECELERATION;
        *status |= ACC_DECEL_CORRECTION_LIMITED;
    } else if (deceleration > ACC_DECEL_GREATEST_DECELERATION) {
        result = ACC_DECEL_GREATEST_DECELERATION;
        *status |= ACC_DECEL_CORRECTION_LIMITED;
    } else {
        /* as it is */
    }
    return result;
}

bool acc_decel_correction_accepted(const acc_decel_correction_t *correction)
{
    return (correction != NULL) && is_between(correction->scale, ACC_DECEL_LEAST_SCALE, ACC_DECEL_GREATEST_SCALE) &&
           is_between(correction->bias, -ACC_DECEL_GREATEST_BIAS, ACC_DECEL_GREATEST_BIAS) &&
           is_between(correction->lower_offset, -ACC_DECEL_GREATEST_BIAS, ACC_DECEL_GREATEST_BIAS);
}

acc_decel_status_t acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                       const acc_decel_correction_t *correction, acc_decel_prediction_t *corrected)
{
    acc_decel_status_t result = status | ACC_DECEL_REFUSED;

    if (((status & ACC_DECEL_REFUSED) == 0U) && (prediction != NULL) && (corrected != NULL) &&
        acc_decel_correction_accepted(correction)) {
        const float offset = correction->lower_offset;
        const float reduction = (offset > 0.0F) ? offset : 0.0F;
        const float median = transformed(correction, prediction->deceleration);
        const float lower = not_raised(correction, prediction->deceleration_lower) - offset;
        const float lower_99 = not_raised(correction, prediction->deceleration_lower_99) - reduction;
        acc_decel_prediction_t answer = *prediction;

        result = status & ~ACC_DECEL_BELOW_COMFORT;
        answer.deceleration = cut(median, &result);
        answer.deceleration_upper = cut(transformed(correction, prediction->deceleration_upper), &result);
        answer.deceleration_lower = cut(acc_decel_smaller(median, lower), &result);
        answer.deceleration_lower_99 = cut(lower_99, &result);
        *corrected = answer;
        if (!(answer.deceleration_lower >= ACC_DECEL_COMFORT_DECELERATION)) {
            result |= ACC_DECEL_BELOW_COMFORT;
        }
    }
    return result;
}
