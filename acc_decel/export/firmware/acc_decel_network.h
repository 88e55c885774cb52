/* Internal: what acc_decel.c and acc_decel_self_test.c use of each other and of the network. The network is in
 * acc_decel_float.c or in acc_decel_fixed.c, depending on the exported format. Not for the project's own code. */
#ifndef ACC_DECEL_NETWORK_H
#define ACC_DECEL_NETWORK_H

#include "acc_decel_factors.h"
#include "acc_decel_values.h"
#include "acc_decel_word.h"

#include <stdbool.h>
#include <stdint.h>

/* A range of memory that a checksum covers. */
typedef struct {
    const void *bytes;
    uint32_t count;
} acc_decel_memory_range_t;

/* Writes the raw outputs of the network for accepted columns, cut to their limits; the quantiles may still cross. The
 * columns are the first of the `values`; the network writes its features behind them and may overwrite the columns. Bit
 * i of `available` is 1 if column i is available; otherwise its value has no effect. Returns true if such a combination
 * is rare in the training data. */
bool acc_decel_network(float values[ACC_DECEL_VALUE_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT]);

/* Puts two outputs in ascending order. */
static inline void acc_decel_put_in_order(float *lower, float *upper)
{
    const bool crossed = *upper < *lower;
    const float smaller = crossed ? *upper : *lower;
    const float larger = crossed ? *lower : *upper;

    *lower = smaller;
    *upper = larger;
}

/* Lowers an output to a limit. */
static inline void acc_decel_lower(float *output, float limit)
{
    *output = (limit < *output) ? limit : *output;
}

/* Continues the CRC-32 `crc` over all ranges; the first call starts with 0. */
uint32_t acc_decel_crc(uint32_t crc, const acc_decel_memory_range_t ranges[], uint32_t count);

/* CRC-32 of the tables of acc_decel.c and of the tables of the network; golden_vectors.h has the expected values. */
uint32_t acc_decel_guard_checksum(void);
uint32_t acc_decel_network_checksum(void);

#endif
