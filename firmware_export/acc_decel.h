/* Achievable deceleration and stopping distance of a braking car, from the factors that affect braking.
 *
 * Use: start from acc_decel_no_factors(), fill in the factors that are known now, call acc_decel_predict() and look at
 * the status first:
 *
 *     acc_decel_factors_t factors = acc_decel_no_factors();
 *     acc_decel_prediction_t prediction;
 *     factors.speed = 25.0F;                        (... and every other factor that is known ...)
 *     if ((acc_decel_predict(&factors, &prediction) & ACC_DECEL_REFUSED) == 0U) {
 *         distance = acc_decel_stopping_distance(factors.speed, prediction.deceleration_lower, prediction.delay);
 *     }
 *
 * That is the distance which 95 of 100 stops stay below; half of all stops need more than the distance with the median,
 * prediction.deceleration. Factors, their units and ranges are in acc_decel_factors.h. A factor that the ECU does not
 * know now is not available (ACC_DECEL_NOT_AVAILABLE), and the answer is then about all values that it may have: in
 * most events the interval from lower to upper deceleration becomes wider, but the answer can also be higher than with
 * the factor, for example without a sensor that would report bad grip. Never use a default value instead.
 *
 * The functions keep no state, use no heap and no library, do not recurse and may be called from several tasks at the
 * same time. All arithmetic is IEEE 754 float32 in a fixed order: build every file with -ffp-contract=off (GCC, Clang;
 * no fused multiply-add) and without -ffast-math. Then all cores and compilers give the same bits, and NaN works. (In
 * fixed point the network is integer arithmetic, which gives the same bits with any options.) acc_decel_self_test()
 * tells a build that gives other bits. The tables are for little-endian cores: a compiler that says that its core is
 * big-endian stops at this header. C++ programs may include it; the .c files are C.
 */
#ifndef ACC_DECEL_H
#define ACC_DECEL_H

#include "acc_decel_factors.h"

#include <stdbool.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && defined(__ORDER_LITTLE_ENDIAN__)
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The tables of acc_decel are exported for little-endian cores. This core has another byte order."
#endif
#elif defined(__ARM_BIG_ENDIAN) || defined(__BIG_ENDIAN__)
#error "The tables of acc_decel are exported for little-endian cores. This core is big-endian."
#endif

#ifdef __cplusplus
extern "C" {
#endif

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
 * to 1.01. ACC_DECEL_OUTSIDE_DOMAIN: *prediction is written, but such a combination is rare in the training data, or
 * absent: it is on a list of combinations that no road has, or a small score of the network's inputs is above 0. One or
 * two in a hundred real events are flagged as well. The answer is then cautious: each quantile is the least of the
 * event's and of those without the surface, the water film, the road temperature or the friction estimate.
 * ACC_DECEL_BELOW_COMFORT: deceleration_lower is below ACC_DECEL_COMFORT_DECELERATION.
 *
 * A cautious answer needs one more pass through the network for each of these factors that is available: plan for five
 * times the time of an ordinary answer. Otherwise the time depends on no value. */
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
    ACC_DECEL_SELF_TEST_PASSED = 0,         /* every table is as exported, and every answer has the same bits */
    ACC_DECEL_SELF_TEST_TABLES_ALTERED = 1, /* the checksum of a table or of the golden vectors is another one */
    ACC_DECEL_SELF_TEST_WRONG_STATUS = 2,   /* a golden vector got a different status */
    ACC_DECEL_SELF_TEST_WRONG_ANSWER = 3, /* an answer is more than ACC_DECEL_GOLDEN_TOLERANCE from the expected one */
    ACC_DECEL_SELF_TEST_OTHER_BITS = 4    /* every answer is within the tolerance, but one or more have other bits */
} acc_decel_self_test_t;

/* Checks the CRC-32 of all tables and golden vectors, then replays golden_vectors.h: predictions, stopping distances,
 * corrections and the functions that read a status. Takes as long as about a hundred predictions: call it at start-up,
 * and use no prediction unless it passed.
 *
 * ACC_DECEL_SELF_TEST_OTHER_BITS: nothing is damaged, but this build rounds otherwise than the one that was tested,
 * usually because -ffp-contract=off is missing. No proof or test of the exported bits holds for it: build it again.
 *
 * It is in acc_decel_self_test.c; leave out that file if the project has no room for the golden vectors. A project
 * without acc_decel_correction.c compiles it with the macro ACC_DECEL_NO_CORRECTION. */
acc_decel_self_test_t acc_decel_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
