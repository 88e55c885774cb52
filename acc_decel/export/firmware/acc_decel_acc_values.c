/* What goes into the formulas of acc_decel_acc.c: both cars from predictions, and the check of each value. The manual
 * is acc_decel_acc.h; the ranges are in acc_decel_acc_tables.h. */

#include "acc_decel_acc_values.h"

#include "acc_decel_acc_tables.h"
#include "acc_decel_word.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const float not_available = ACC_DECEL_NOT_AVAILABLE;

bool acc_decel_acc_accepts(uint32_t place, float value)
{
    return (value >= acc_limits[place].low) && (value <= acc_limits[place].high);
}

/* The refused ones of the values that are used, which has their bits. */
static acc_decel_acc_status_t refused(const acc_decel_acc_t *acc, acc_decel_acc_status_t used)
{
    const void *const memory = acc;
    const acc_decel_acc_values_t *const values = memory;
    acc_decel_acc_status_t result = 0U;

    for (uint32_t i = 0U; i < ACC_DECEL_ACC_VALUE_COUNT; i++) {
        if (!acc_decel_acc_accepts(i, values->values[i])) {
            result |= (acc_decel_acc_status_t)1U << i;
        }
    }
    if (acc->deceleration_at_lead_speed != acc->deceleration_at_lead_speed) { /* NaN: not available */
        result &= ~ACC_DECEL_ACC_DECELERATION_AT_LEAD_SPEED;
    }
    if (acc->lead_deceleration == ACC_DECEL_ACC_INFINITE) {
        result &= ~ACC_DECEL_ACC_LEAD_DECELERATION;
    }
    if (acc->gap == ACC_DECEL_ACC_INFINITE) {
        result &= ~ACC_DECEL_ACC_GAP;
    }
    return result & used;
}

acc_decel_acc_status_t acc_decel_acc_checked(const acc_decel_acc_t *acc, acc_decel_acc_status_t used,
                                             const void *answer)
{
    acc_decel_acc_status_t result = ACC_DECEL_ACC_NO_POINTER;

    if ((acc != NULL) && (answer != NULL)) {
        result = refused(acc, used);
    }
    return result;
}

acc_decel_acc_t acc_decel_acc_none(void)
{
    acc_decel_acc_t none;

    none.speed = not_available;
    none.deceleration = not_available;
    none.delay = not_available;
    none.deceleration_at_lead_speed = not_available;
    none.lead_speed = not_available;
    none.lead_deceleration = not_available;
    none.lead_braking = not_available;
    none.gap = not_available;
    none.reaction = ACC_DECEL_ACC_REACTION_TIME;
    none.standstill = ACC_DECEL_ACC_REST_GAP;
    none.driver = ACC_DECEL_ACC_DRIVER_TIME;
    return none;
}

void acc_decel_acc_set_own(acc_decel_acc_t *acc, float speed, acc_decel_status_t status,
                           const acc_decel_prediction_t *own)
{
    if (acc != NULL) {
        const bool answered = ((status & ACC_DECEL_REFUSED) == 0U) && (own != NULL);

        acc->speed = speed;
        acc->deceleration = answered ? own->deceleration_lower : not_available;
        acc->delay = answered ? own->delay : not_available;
    }
}

void acc_decel_acc_set_lead(acc_decel_acc_t *acc, float lead_speed, acc_decel_status_t status,
                            const acc_decel_prediction_t *lead, float anywhere)
{
    if (acc != NULL) {
        float upper = not_available;

        if (((status & ACC_DECEL_REFUSED) == 0U) && (lead != NULL)) {
            upper = lead->deceleration_upper;
            if ((status & ACC_DECEL_OUTSIDE_DOMAIN) != 0U) {
                upper = acc_decel_larger(upper, anywhere); /* not available if anywhere is not */
            }
        }
        acc->lead_speed = lead_speed;
        acc->lead_deceleration = upper;
    }
}

acc_decel_factors_t acc_decel_acc_lead_factors(const acc_decel_factors_t *own, float lead_speed)
{
    acc_decel_factors_t lead;

    fill(&lead, not_available);
    if (own != NULL) {
        copy_road(own, &lead);
    }
    set_equipment(&lead);
    lead.speed = (lead_speed < ACC_DECEL_ACC_LEAST_MODEL_SPEED) ? ACC_DECEL_ACC_LEAST_MODEL_SPEED : lead_speed;
    return lead;
}
