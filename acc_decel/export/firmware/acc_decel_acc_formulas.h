/* Internal: the formulas of the ACC unit, for values that are checked. */
#ifndef ACC_DECEL_ACC_FORMULAS_H
#define ACC_DECEL_ACC_FORMULAS_H

#include "acc_decel_acc.h"

/* The gap [m] to a lead at this speed [m/s], as acc_decel_acc_safe_gap() writes it. */
float acc_decel_acc_gap_to(const acc_decel_acc_t *acc, float lead_speed);

/* The latest braking distance [m]. */
float acc_decel_acc_latest(const acc_decel_acc_t *acc);

/* The required deceleration [m/s^2], if the own car holds its speed for so long [s]. */
float acc_decel_acc_required(const acc_decel_acc_t *acc, float wait);

#endif
