/* The head: the smaller of what friction and brakes allow, plus what slows the car without them [m/s^2]. Its numbers
 * are in acc_decel_head_tables.h. For each quantile the last layer gives a limit by friction and a correction of the
 * limit by the brakes. Whatever the weights, no answer exceeds the best tyre on this road or the force of the brakes.
 */

#include "acc_decel_head.h"

#include "acc_decel_head_tables.h"
#include "acc_decel_network.h"
#include "acc_decel_word.h"

#include <stdint.h>

#define SURFACES 6U

/* The smooth rectifier: 0 below 0, z^2 / 2 up to 1, z - 1/2 above. */
static inline float rectified(float z)
{
    const float ramp = acc_decel_smaller(acc_decel_larger(z, 0.0F), 1.0F);
    return acc_decel_larger(z - 1.0F, 0.0F) + ((ramp * 0.5F) * ramp);
}

/* What the calibration adds to a quantile, weighted by the probability of each surface. */
static inline float offset_of(const acc_decel_quantile_t *quantile, const float surface[SURFACES])
{
    float offset = quantile->offset;

    offset += surface[0] * quantile->by_surface[0];
    offset += surface[1] * quantile->by_surface[1];
    offset += surface[2] * quantile->by_surface[2];
    offset += surface[3] * quantile->by_surface[3];
    offset += surface[4] * quantile->by_surface[4];
    offset += surface[5] * quantile->by_surface[5];
    return offset;
}

void acc_decel_head(const float sums[ACC_DECEL_SUM_COUNT], const float values[ACC_DECEL_VALUE_COUNT],
                    uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    const float *const named = &values[ACC_DECEL_VALUE_SURFACE];
    const uint32_t mask = acc_decel_mask(available, ACC_DECEL_VALUE_SURFACE);
    const float surface[SURFACES] = {acc_decel_value_or_0(mask, named[0]), acc_decel_value_or_0(mask, named[1]),
                                     acc_decel_value_or_0(mask, named[2]), acc_decel_value_or_0(mask, named[3]),
                                     acc_decel_value_or_0(mask, named[4]), acc_decel_value_or_0(mask, named[5])};

    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) { /* the delay; the quantiles are written again */
        outputs[i] = sums[i];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_QUANTILE_COUNT; i++) {
        const acc_decel_quantile_t *const quantile = &quantiles[i];
        const float friction = sums[quantile->output];
        const float brakes = sums[ACC_DECEL_OUTPUT_COUNT + i] + (quantile->slope * values[ACC_DECEL_VALUE_BRAKING]);
        const float both = (friction - rectified(friction - brakes)) + offset_of(quantile, surface);
        const float road = acc_decel_smaller(both, quantile->road_share * values[ACC_DECEL_VALUE_ROAD_LIMIT]);
        const float forced = acc_decel_smaller(road, quantile->brake_share * values[ACC_DECEL_VALUE_BRAKE_LIMIT]);

        outputs[quantile->output] =
            acc_decel_larger(forced, ACC_DECEL_LEAST_BRAKING) + values[ACC_DECEL_VALUE_RESISTANCE];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        outputs[i] = acc_decel_smaller(acc_decel_larger(outputs[i], output_limits[i].low), output_limits[i].high);
    }
}

uint32_t acc_decel_head_crc(uint32_t crc)
{
    return acc_decel_crc(crc, head_ranges, ACC_DECEL_HEAD_RANGE_COUNT);
}
