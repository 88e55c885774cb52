/* Internal: the head, which every number format computes in float32: outputs of the sums of the last layer. */
#ifndef ACC_DECEL_HEAD_H
#define ACC_DECEL_HEAD_H

#include "acc_decel_factors.h"
#include "acc_decel_values.h"

#include <stdint.h>

/* Writes the outputs, cut to their limits; the quantiles may still cross. `sums` are those of the last layer: one for
 * each output, then a correction of the brake limit for each quantile. `values` and `available` are those of
 * acc_decel_features(), which computed what is behind the columns. Always takes the same time. */
void acc_decel_head(const float sums[ACC_DECEL_SUM_COUNT], const float values[ACC_DECEL_VALUE_COUNT],
                    uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT]);

/* Continues the CRC-32 `crc` over the tables of the head. */
uint32_t acc_decel_head_crc(uint32_t crc);

#endif
