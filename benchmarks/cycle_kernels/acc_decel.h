/* A kernel in the place of the firmware, so that the virtual ECU runs and measures it: no factors, no guards. */
#ifndef ACC_DECEL_KERNELS_H
#define ACC_DECEL_KERNELS_H

#include <stdint.h>

#define ACC_DECEL_COLUMN_COUNT 1U
#define ACC_DECEL_MULTIPLY_ADDS 1U
#define SAMPLES 1024U

typedef struct {
    float words[ACC_DECEL_COLUMN_COUNT]; /* starts the signal */
} acc_decel_factors_t;

typedef struct {
    float words[OUTPUTS]; /* the first is what the kernel computed, so that no compiler leaves it out */
} acc_decel_prediction_t;

typedef uint64_t acc_decel_status_t;

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
int acc_decel_self_test(void);

/* The kernels that are measured: 1,024 samples, from `x` to `y`. */
void kernel(const float *x, float *y, const float *coefficients);

#endif
