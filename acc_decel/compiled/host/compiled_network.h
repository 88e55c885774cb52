/* Internal to the library that Predictor calls: the network for one event, and for many at a time, the same bits. */
#ifndef COMPILED_NETWORK_H
#define COMPILED_NETWORK_H

#include "acc_decel_factors.h"
#include "acc_decel_values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 16U /* events at a time */

/* The network of the firmware, for one event. */
bool compiled_row_network(float values[ACC_DECEL_VALUE_COUNT], uint32_t available,
                          float outputs[ACC_DECEL_OUTPUT_COUNT]);

/* Raw outputs of the network for 1 to LANES events, and whether each is outside the trained domain. The values
 * for a refused event have no meaning. */
void compiled_lanes_network(size_t rows, const float *columns, float outputs[LANES][ACC_DECEL_OUTPUT_COUNT],
                            bool unfamiliar[LANES]);

#endif
