/* Inside of the firmware: what acc_decel.c and acc_decel_self_test.c ask of each other and of the network, which is in
 * acc_decel_float.c or acc_decel_fixed.c, whichever was exported. Not for the project's own code. */
#ifndef ACC_DECEL_NETWORK_H
#define ACC_DECEL_NETWORK_H

#include "acc_decel_factors.h"
#include "acc_decel_word.h"

#include <stdbool.h>
#include <stdint.h>

/* A stretch of memory whose checksum is known. */
typedef struct {
    const void *bytes;
    uint32_t count;
} acc_decel_stretch_t;

/* Raw outputs of the network, cut to their limits, in no order, for accepted columns. Bit i of `available` tells
 * whether column i is available; it is NaN if not. Afterwards `columns` are no longer those. Returns whether the
 * network never saw such a combination in training. */
bool acc_decel_network(float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available,
                       float outputs[ACC_DECEL_OUTPUT_COUNT]);

/* Puts two outputs in ascending order. */
static inline void acc_decel_put_in_order(float *lower, float *upper)
{
    const bool crossed = *upper < *lower;
    const float least = crossed ? *upper : *lower;
    const float most = crossed ? *lower : *upper;

    *lower = least;
    *upper = most;
}

/* Carries the CRC-32 `crc` on over all stretches; it begins at 0. */
uint32_t acc_decel_crc(uint32_t crc, const acc_decel_stretch_t stretches[], uint32_t count);

/* CRC-32 of the tables of acc_decel.c, and of those of the network. The exported values are in golden_vectors.h. */
uint32_t acc_decel_guard_checksum(void);
uint32_t acc_decel_network_checksum(void);

#endif
