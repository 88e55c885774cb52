/* What an ACC needs of two predictions, that of the own car and that of the lead: safe gap, time gap, required
 * deceleration, latest braking distance, and the warning of the driver. Optional: leave out this header and the files
 * acc_decel_acc*.c if another unit computes them.
 *
 *     acc_decel_acc_t acc = acc_decel_acc_none();   (... in each tick ...)
 *     acc_decel_factors_t other;
 *
 *     status = acc_decel_predict(&factors, &own);
 *     acc_decel_acc_set_own(&acc, factors.speed, status, &own);
 *     other = acc_decel_acc_lead_factors(&factors, lead_speed);
 *     status = acc_decel_predict(&other, &lead);
 *     acc_decel_acc_set_lead(&acc, lead_speed, status, &lead, anywhere);
 *     acc.gap = measured_gap;
 *     if (acc_decel_acc_safe_gap(&acc, &safe_gap) == 0U) {
 *         (... keep at least safe_gap ...)
 *     }
 *
 * The lead is another car on the same road: acc_decel_acc_lead_factors() leaves out what is known of the own car alone.
 * If it may be a car that brakes harder than cars of this model, take the upper deceleration of that car's model. Or
 * take the reserve of the pair: see acc_decel_acc_lead_upper(). Call acc_decel_acc_self_test() at start-up.
 *
 * Each car slows evenly from its speed, with the deceleration of its prediction. So a distance to an obstacle that
 * stands is exact. The safe gap is the one of the whole stopping curve, but in water behind a lead that brakes softly
 * it was up to 2.2 m shorter. The distances to a slower lead that moves on need a third prediction on a road with
 * water: see deceleration_at_lead_speed.
 *
 * A car that is not faster than ACC_DECEL_ACC_STANDSTILL_SPEED stands. Every function looks at each value that it uses.
 * A value that is NaN or out of its range is refused: its bit is in the status, and nothing is written. A status of 0
 * says that the answer is written. An answer is infinite if the own car may not stop, because its deceleration is not
 * above ACC_DECEL_ACC_BRAKING, or if no braking avoids contact. The functions keep no state, use no heap and no
 * library, and compute in float32 in a fixed order, like acc_decel.h.
 */
#ifndef ACC_DECEL_ACC_H
#define ACC_DECEL_ACC_H

#include "acc_decel.h"

#include "acc_decel_acc_limits.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both cars and the settings. Ranges include their ends and are in acc_decel_acc_limits.h. */
typedef struct {
    float speed;        /* [m/s] of the own car, from 0 to ACC_DECEL_ACC_GREATEST_SPEED */
    float deceleration; /* [m/s^2] that the own car reaches at least from this speed: its deceleration_lower */
    float delay;        /* [s] of its brakes */

    /* [m/s^2] what it reaches at least from lead_speed: deceleration_lower of a prediction with that speed. Only the
     * latest braking distance and the warning use it, and only if the lead moves and is slower. Not available: the car
     * may brake with ACC_DECEL_GREATEST_DECELERATION there, which is safe and makes these distances longer. */
    float deceleration_at_lead_speed;

    float lead_speed;        /* [m/s] from 0 to ACC_DECEL_ACC_GREATEST_SPEED */
    float lead_deceleration; /* [m/s^2] that the lead reaches at most; infinity: it may stop at once */
    float lead_braking;      /* [m/s^2] its deceleration now, negative if it gains speed, which counts as 0 */
    float gap;               /* [m] from bumper to bumper, from 0 on; infinity: nothing is ahead */
    float reaction;          /* [s] from the lead's braking to the own demand */
    float standstill;        /* [m] that is left when both cars stand */
    float driver;            /* [s] until a warned driver brakes */
} acc_decel_acc_t;

/* 0, or one bit for each value that is refused. */
typedef uint32_t acc_decel_acc_status_t;

#define ACC_DECEL_ACC_SPEED ((acc_decel_acc_status_t)1U << 0U)
#define ACC_DECEL_ACC_DECELERATION ((acc_decel_acc_status_t)1U << 1U)
#define ACC_DECEL_ACC_DELAY ((acc_decel_acc_status_t)1U << 2U)
#define ACC_DECEL_ACC_DECELERATION_AT_LEAD_SPEED ((acc_decel_acc_status_t)1U << 3U)
#define ACC_DECEL_ACC_LEAD_SPEED ((acc_decel_acc_status_t)1U << 4U)
#define ACC_DECEL_ACC_LEAD_DECELERATION ((acc_decel_acc_status_t)1U << 5U)
#define ACC_DECEL_ACC_LEAD_BRAKING ((acc_decel_acc_status_t)1U << 6U)
#define ACC_DECEL_ACC_GAP ((acc_decel_acc_status_t)1U << 7U)
#define ACC_DECEL_ACC_REACTION ((acc_decel_acc_status_t)1U << 8U)
#define ACC_DECEL_ACC_STANDSTILL ((acc_decel_acc_status_t)1U << 9U)
#define ACC_DECEL_ACC_DRIVER ((acc_decel_acc_status_t)1U << 10U)
#define ACC_DECEL_ACC_WAIT ((acc_decel_acc_status_t)1U << 11U)       /* the parameter of required_deceleration */
#define ACC_DECEL_ACC_NO_POINTER ((acc_decel_acc_status_t)1U << 31U) /* a pointer is NULL */

/* A warning of the driver. */
typedef struct {
    float distance; /* [m] */
    bool is_due;    /* the lead is slower, and not farther ahead than this distance */
} acc_decel_acc_warning_t;

/* Nothing is known of the cars: every value is not available, the settings are those of acc_decel_acc_limits.h. */
acc_decel_acc_t acc_decel_acc_none(void);

/* Takes over speed [m/s], deceleration_lower and delay of the own car. If the prediction was refused, or a pointer is
 * NULL, the deceleration is not available, and what needs it is refused. Below ACC_DECEL_ACC_LEAST_MODEL_SPEED the
 * model refuses: predict with that speed instead. */
void acc_decel_acc_set_own(acc_decel_acc_t *acc, float speed, acc_decel_status_t status,
                           const acc_decel_prediction_t *own);

/* Takes over the speed [m/s] of the lead and its deceleration_upper, refused as above. A cautious answer, one with
 * ACC_DECEL_OUTSIDE_DOMAIN, is cautious for the own car, but not for a lead: then the lead brakes at least as hard as
 * anywhere [m/s^2], the deceleration_upper of a prediction with acc_decel_acc_lead_factors() of acc_decel_no_factors().
 * Without it (not available) the lead is refused. */
void acc_decel_acc_set_lead(acc_decel_acc_t *acc, float lead_speed, acc_decel_status_t status,
                            const acc_decel_prediction_t *lead, float anywhere);

/* The factors of another car on the same road at lead_speed [m/s]: those of the road are the own ones, those of the car
 * are not available, and it brakes fully, with the equipment that every car has. A speed below
 * ACC_DECEL_ACC_LEAST_MODEL_SPEED counts as that one. */
acc_decel_factors_t acc_decel_acc_lead_factors(const acc_decel_factors_t *own, float lead_speed);

/* The deceleration [m/s^2] of the hardest lead, from that of the own car, lower [m/s^2], and the reserve of the pair
 * [s^2/m], a quantile of 1 / own - 1 / lead for two cars on one road: 1 / (1 / lower - reserve). Infinite if that is
 * not positive, or if lower is not above ACC_DECEL_ACC_BRAKING: the lead may stop at once. Not available if lower or
 * reserve is NaN or out of its range. Assign it to lead_deceleration. */
float acc_decel_acc_lead_upper(float lower, float reserve);

/* Writes the gap [m] that keeps standstill to a lead that brakes at once with lead_deceleration. The own car holds its
 * speed for reaction + delay, then brakes with deceleration. The gap can be smallest at three moments: at the end of
 * that time, when both cars are equally fast, and when both stand. A lead whose deceleration is not above
 * ACC_DECEL_ACC_BRAKING keeps its speed. */
acc_decel_acc_status_t acc_decel_acc_safe_gap(const acc_decel_acc_t *acc, float *gap);

/* Writes the time gap [s] to a lead of the own speed: safe gap / speed, and at least ACC_DECEL_ACC_LEAST_TIME_GAP.
 * Infinite at standstill. Uses lead_deceleration, but not lead_speed. */
acc_decel_acc_status_t acc_decel_acc_time_gap(const acc_decel_acc_t *acc, float *time);

/* Writes the constant deceleration [m/s^2] that just avoids contact with a lead that goes on with lead_braking until it
 * stands; 0 if none is needed, infinite if none helps. The own car holds its speed for wait [s] first: acc->delay
 * before its brakes are asked, 0 while they act. Uses speed, lead_speed, lead_braking, gap. */
acc_decel_acc_status_t acc_decel_acc_required_deceleration(const acc_decel_acc_t *acc, float wait, float *deceleration);

/* Writes the distance [m] at which full braking must be asked for at the latest, to an obstacle that goes on with
 * lead_speed or stands; 0 if it is not slower. Exact if it stands and for a car that slows evenly; else never too short
 * for a car that brakes harder and harder, or more and more softly, on its way from speed to lead_speed. */
acc_decel_acc_status_t acc_decel_acc_latest_braking_distance(const acc_decel_acc_t *acc, float *distance);

/* Writes the distance [m] at which the driver must be warned to brake in time himself, and whether the warning is due:
 * the latest braking distance, and the way that the gap loses while he reacts. */
acc_decel_acc_status_t acc_decel_acc_warning(const acc_decel_acc_t *acc, acc_decel_acc_warning_t *warning);

/* Replays acc_decel_acc_golden.h: ACC_DECEL_SELF_TEST_PASSED, _WRONG_STATUS, _WRONG_ANSWER or _OTHER_BITS of
 * acc_decel.h, with ACC_DECEL_ACC_GOLDEN_TOLERANCE. It is in acc_decel_acc_self_test.c, which may be left out. */
acc_decel_self_test_t acc_decel_acc_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
