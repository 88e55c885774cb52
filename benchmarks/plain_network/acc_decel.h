/* A plain network in the place of the firmware, so that the virtual ECU runs and measures it: no factors, no guards. */
#ifndef ACC_DECEL_H
#define ACC_DECEL_H

#include "plain_network_tables.h"

#include <stdint.h>

typedef struct {
    WORD words[ACC_DECEL_COLUMN_COUNT]; /* floats, or pairs of 16-bit integers */
} acc_decel_factors_t;

typedef struct {
    WORD words[ACC_DECEL_OUTPUT_COUNT]; /* the first is the output: a float, or a sum plus 2^31 */
} acc_decel_prediction_t;

typedef uint64_t acc_decel_status_t;

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
int acc_decel_self_test(void);

#endif
