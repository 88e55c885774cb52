/* Internal: the check of the values that go into the formulas of the ACC unit. */
#ifndef ACC_DECEL_ACC_VALUES_H
#define ACC_DECEL_ACC_VALUES_H

#include "acc_decel_acc.h"

#include <stdbool.h>
#include <stdint.h>

/* The refused ones of the values that are used, which has their bits; ACC_DECEL_ACC_NO_POINTER if one is NULL. */
acc_decel_acc_status_t acc_decel_acc_checked(const acc_decel_acc_t *acc, acc_decel_acc_status_t used,
                                             const void *answer);

/* Whether a value is within the limits at this place of the table. False for NaN. */
bool acc_decel_acc_accepts(uint32_t place, float value);

#endif
