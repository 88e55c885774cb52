/* Internal: the physics features, which every number format computes in float32. */
#ifndef ACC_DECEL_FEATURES_H
#define ACC_DECEL_FEATURES_H

#include "acc_decel_values.h"

#include <stdint.h>

/* Writes the features, and what the head needs, behind the columns in `values`; acc_decel_values.h has their places.
 * Bit i of `available` is 1 if column i is available; otherwise the column is NaN. Always takes the same time. */
void acc_decel_features(float values[ACC_DECEL_VALUE_COUNT], uint32_t available);

#endif
