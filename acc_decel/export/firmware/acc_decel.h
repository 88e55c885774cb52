/* Achievable deceleration and stopping distance of a braking car, from the factors that affect braking.
 *
 * Use: start from acc_decel_no_factors(), fill in the factors that are known now, call acc_decel_predict() and look at
 * the status first:
 *
 *     acc_decel_factors_t factors = acc_decel_no_factors();
 *     acc_decel_prediction_t prediction;
 *     factors.speed = 25.0F;                        (... and every other factor that is known ...)
 *     if ((acc_decel_predict(&factors, &prediction) & ACC_DECEL_REFUSED) == 0U) {
 *         distance = acc_decel_stopping_distance(factors.speed, prediction.deceleration, prediction.delay);
 *     }
 *
 * Factors, their units and ranges are in acc_decel_factors.h. A factor that the ECU does not know now is not
 * available (ACC_DECEL_NOT_AVAILABLE): the interval from lower to upper deceleration then becomes wider. Never use a
 * default value instead.
 *
 * The functions keep no state, use no heap and no library, do not recurse and may be called from several tasks at the
 * same time. All arithmetic is IEEE 754 float32 in a fixed order: build every file with -ffp-contract=off (GCC, Clang;
 * no fused multiply-add) and without -ffast-math. Then all cores and compilers give the same bits, and NaN works. (In
 * fixed point the network is integer arithmetic, which gives the same bits with any options.)
 * "#pragma STDC FP_CONTRACT OFF" is not in the source because GCC does not know it and warns.
 */
#ifndef ACC_DECEL_H
#define ACC_DECEL_H

#include "acc_decel_factors.h"

#include <stdbool.h>
#include <stdint.h>

/* Value of a factor that is not available now: a quiet NaN. If a sanitizer reports the division of a float by zero,
 * take the value from acc_decel_no_factors(). */
#define ACC_DECEL_NOT_AVAILABLE (0.0F / 0.0F)

/* What acc_decel_predict() says about its answer; 0 means nothing to report. One bit for each factor out of range and
 * each factor not available, and the flags ACC_DECEL_OUTSIDE_DOMAIN, ACC_DECEL_BELOW_COMFORT and ACC_DECEL_REFUSED of
 * acc_decel_factors.h. */
typedef uint64_t acc_decel_status_t;

/* Factors of which none is available. */
acc_decel_factors_t acc_decel_no_factors(void);

/* Writes the deceleration that the brakes will reach with these factors to *prediction and returns the status.
 *
 * ACC_DECEL_REFUSED: *prediction is left unchanged, because a factor is out of range, or a required factor is not
 * available, or a pointer is NULL (then no factor is named). Ranges include their ends; infinities are out of range.
 * The probabilities of a choice (one for each kind) are available together or not at all, and their sum is 0.99
 * to 1.01. ACC_DECEL_OUTSIDE_DOMAIN: *prediction is written, but the network never saw such a combination in training:
 * it is on a list of combinations that no road has, or a small score of the network's inputs is above 0. One or two in
 * a hundred real events are flagged as well. ACC_DECEL_BELOW_COMFORT: deceleration_lower is below
 * ACC_DECEL_COMFORT_DECELERATION. */
acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);

/* True if the status says that this factor (ACC_DECEL_FACTOR_...) is outside its range. */
bool acc_decel_out_of_range(acc_decel_status_t status, uint32_t factor);

/* True if the status says that this factor (ACC_DECEL_FACTOR_...) is not available. */
bool acc_decel_not_available(acc_decel_status_t status, uint32_t factor);

/* Distance [m] from the demand of the brakes to standstill: speed * delay + speed^2 / (2 * deceleration), with speed
 * [m/s], deceleration [m/s^2] and delay [s]. Positive infinity if the deceleration is not above 0: the car does not
 * stop. Use deceleration_lower for the distance that is exceeded only 5 times in 100. */
float acc_decel_stopping_distance(float speed, float deceleration, float delay);

/* What acc_decel_self_test() found. */
typedef enum {
    ACC_DECEL_SELF_TEST_PASSED = 0,
    ACC_DECEL_SELF_TEST_TABLES_ALTERED = 1, /* the checksum of the tables has changed since the export */
    ACC_DECEL_SELF_TEST_WRONG_STATUS = 2,   /* a golden vector got a different status */
    ACC_DECEL_SELF_TEST_WRONG_ANSWER = 3    /* a golden vector got a different answer */
} acc_decel_self_test_t;

/* Checks the CRC-32 of all tables, then replays the golden vectors of golden_vectors.h. Takes as long as about a
 * hundred predictions: call it at start-up, and use no prediction unless it passed. It is in acc_decel_self_test.c;
 * leave out that file if the project has no room for the golden vectors. For little-endian cores. */
acc_decel_self_test_t acc_decel_self_test(void);

#endif
