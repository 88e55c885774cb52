/* Gaps, braking and warning of an ACC. The manual is acc_decel_acc.h; what goes in is in acc_decel_acc_values.c. */

#include "acc_decel_acc.h"

#include "acc_decel_acc_formulas.h"
#include "acc_decel_acc_values.h"
#include "acc_decel_word.h"
#include "acc_decel_word.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OF_BRAKING (ACC_DECEL_ACC_SPEED | ACC_DECEL_ACC_DECELERATION | ACC_DECEL_ACC_DELAY | ACC_DECEL_ACC_REACTION)
#define OF_FOLLOWING (OF_BRAKING | ACC_DECEL_ACC_LEAD_DECELERATION | ACC_DECEL_ACC_STANDSTILL)
#define OF_LATEST (OF_BRAKING | ACC_DECEL_ACC_LEAD_SPEED | ACC_DECEL_ACC_DECELERATION_AT_LEAD_SPEED)
#define OF_REQUIRED (ACC_DECEL_ACC_SPEED | ACC_DECEL_ACC_LEAD_SPEED | ACC_DECEL_ACC_LEAD_BRAKING | ACC_DECEL_ACC_GAP)

acc_decel_acc_status_t acc_decel_acc_safe_gap(const acc_decel_acc_t *acc, float *gap)
{
    const acc_decel_acc_status_t status = acc_decel_acc_checked(acc, OF_FOLLOWING | ACC_DECEL_ACC_LEAD_SPEED, gap);

    if (status == 0U) {
        *gap = acc_decel_acc_gap_to(acc, acc->lead_speed);
    }
    return status;
}

acc_decel_acc_status_t acc_decel_acc_time_gap(const acc_decel_acc_t *acc, float *time)
{
    const acc_decel_acc_status_t status = acc_decel_acc_checked(acc, OF_FOLLOWING, time);

    if (status == 0U) {
        *time = ACC_DECEL_ACC_INFINITE;
        if (acc->speed > ACC_DECEL_ACC_STANDSTILL_SPEED) {
            *time = acc_decel_larger(acc_decel_acc_gap_to(acc, acc->speed) / acc->speed, ACC_DECEL_ACC_LEAST_TIME_GAP);
        }
    }
    return status;
}

acc_decel_acc_status_t acc_decel_acc_required_deceleration(const acc_decel_acc_t *acc, float wait, float *deceleration)
{
    acc_decel_acc_status_t status = acc_decel_acc_checked(acc, OF_REQUIRED, deceleration);

    if (!acc_decel_acc_accepts(ACC_DECEL_ACC_AT_WAIT, wait)) {
        status |= ACC_DECEL_ACC_WAIT;
    }
    if (status == 0U) {
        *deceleration = acc_decel_acc_required(acc, wait);
    }
    return status;
}

acc_decel_acc_status_t acc_decel_acc_latest_braking_distance(const acc_decel_acc_t *acc, float *distance)
{
    const acc_decel_acc_status_t status = acc_decel_acc_checked(acc, OF_LATEST, distance);

    if (status == 0U) {
        *distance = acc_decel_acc_latest(acc);
    }
    return status;
}

acc_decel_acc_status_t acc_decel_acc_warning(const acc_decel_acc_t *acc, acc_decel_acc_warning_t *warning)
{
    const acc_decel_acc_status_t used = OF_LATEST | ACC_DECEL_ACC_GAP | ACC_DECEL_ACC_DRIVER;
    const acc_decel_acc_status_t status = acc_decel_acc_checked(acc, used, warning);

    if (status == 0U) {
        const float faster = acc_decel_larger(acc->speed - acc->lead_speed, 0.0F);

        warning->distance = acc_decel_acc_latest(acc) + (faster * acc->driver);
        warning->is_due = (faster > 0.0F) && (acc->gap <= warning->distance);
    }
    return status;
}
