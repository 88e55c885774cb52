/* The formulas of the ACC unit, for values that are checked. The manual is acc_decel_acc.h. */

#include "acc_decel_acc_formulas.h"

#include "acc_decel_acc_values.h"
#include "acc_decel_word.h"

#include <stdbool.h>

static const float infinite = ACC_DECEL_ACC_INFINITE;

/* A lead that has braked for some time. */
typedef struct {
    float way;         /* [m] so far */
    float speed;       /* [m/s] left */
    float way_to_rest; /* [m] from the beginning, infinite if it does not brake */
} lead_t;

static bool moves(float speed)
{
    return speed > ACC_DECEL_ACC_STANDSTILL_SPEED;
}

static bool is_nan(float value)
{
    return value != value;
}

static bool brakes(float deceleration)
{
    return deceleration > ACC_DECEL_ACC_BRAKING;
}

/* 0 for a car that does not brake. */
static float braking_of(float deceleration)
{
    return brakes(deceleration) ? deceleration : 0.0F;
}

/* Infinite if the divisor is not positive. */
static float divided(float value, float divisor)
{
    float result = infinite;

    if (divisor > 0.0F) {
        result = value / divisor;
    }
    return result;
}

/* [m] from a speed to standstill, with a deceleration above 0. */
static float braking_way(float speed, float deceleration)
{
    return (speed * speed) / (2.0F * deceleration);
}

/* The same for a lead, whose deceleration may be 0. */
static float way_to_rest(float speed, float braking)
{
    return moves(speed) ? divided(speed * speed, 2.0F * braking) : 0.0F;
}

static lead_t lead_after(float speed, float braking, float time)
{
    const float lost = braking * time;
    lead_t lead;

    lead.way_to_rest = way_to_rest(speed, braking);
    lead.way = lead.way_to_rest;
    lead.speed = 0.0F;
    if (speed > lost) { /* false for infinity * 0 */
        lead.way = (speed * time) - ((lost * time) / 2.0F);
        lead.speed = speed - lost;
    }
    return lead;
}

/* The most [m] by which a gap shrinks, if the own car brakes and moves. */
static float closing_of(const acc_decel_acc_t *acc, float lead_speed)
{
    const float own = acc->deceleration;
    const float other = braking_of(acc->lead_deceleration);
    const float hold = acc->reaction + acc->delay;
    const lead_t lead = lead_after(lead_speed, other, hold);
    const float held = acc->speed * hold;
    const float reacted = held - lead.way;
    const float at_rest = (held + braking_way(acc->speed, own)) - lead.way_to_rest;
    const float faster = acc->speed - lead.speed;
    const bool meets = (lead.speed * own) > (other * acc->speed); /* the lead still moves when they are equally fast */
    float closing = acc_decel_larger(acc_decel_larger(reacted, at_rest), 0.0F);

    if ((faster > 0.0F) && meets) {
        closing = acc_decel_larger(closing, reacted + ((faster * faster) / (2.0F * (own - other))));
    }
    return closing;
}

float acc_decel_acc_gap_to(const acc_decel_acc_t *acc, float lead_speed)
{
    float closing = 0.0F;

    if (moves(acc->speed)) {
        closing = brakes(acc->deceleration) ? closing_of(acc, lead_speed) : infinite;
    }
    return closing + acc->standstill;
}

/* The deceleration [m/s^2] of the own car from the lead's speed; not above 0 if it may not stop. */
static float deceleration_there(const acc_decel_acc_t *acc)
{
    float deceleration = acc->deceleration_at_lead_speed;

    if (!moves(acc->lead_speed)) {
        deceleration = acc->deceleration;
    } else if (is_nan(deceleration)) {
        deceleration = ACC_DECEL_GREATEST_DECELERATION;
    } else {
        /* as it is */
    }
    return deceleration;
}

/* The way [m] by which the gap shrinks while the own car, faster by that [m/s], brakes down to the lead's speed. With
 * the local deceleration a of a car that brakes harder and harder, it is the integral of (u - lead speed) / a(u) over
 * the speed u. There 1 / a is at least 1 / there; what the mean deceleration from the own speed asks for on top counts
 * at the own speed, where it is worst. A car that brakes more and more softly has 1 / a of at most 1 / there. */
static float braking_closing(const acc_decel_acc_t *acc, float faster)
{
    const float there = deceleration_there(acc);
    float closing = infinite;

    if (brakes(acc->deceleration) && brakes(there)) {
        const float product = acc->speed * faster;
        const float more = (product / (2.0F * acc->deceleration)) - (product / (2.0F * there));
        closing = braking_way(faster, there) + acc_decel_larger(more, 0.0F);
    }
    return closing;
}

float acc_decel_acc_latest(const acc_decel_acc_t *acc)
{
    const float faster = acc->speed - acc->lead_speed;
    const float hold = acc->reaction + acc->delay;

    return (moves(acc->speed) && (faster > 0.0F)) ? ((faster * hold) + braking_closing(acc, faster)) : 0.0F;
}

/* The deceleration [m/s^2] to avoid contact over the room [m] that is left when the own brakes act. */
static float needed(float speed, float lead_speed, float braking, float room)
{
    const float faster = speed - lead_speed;
    float square = speed * speed;
    float way = room + way_to_rest(lead_speed, braking); /* infinite if the lead never stands */
    float least = 0.0F;

    if (((2.0F * room) * braking) < (lead_speed * faster)) {
        /* The lead is slower, and they are equally fast before it stands; false for infinity * 0. */
        square = faster * faster;
        way = room;
        least = braking;
    }
    return least + divided(square / 2.0F, way);
}

float acc_decel_acc_required(const acc_decel_acc_t *acc, float wait)
{
    const float braking = braking_of(acc->lead_braking);
    const lead_t lead = lead_after(acc->lead_speed, braking, wait);
    const float room = (acc->gap + lead.way) - (acc->speed * wait);
    float deceleration = infinite;

    if (!(room < 0.0F)) {
        deceleration = moves(acc->speed) ? needed(acc->speed, lead.speed, braking, room) : 0.0F;
    }
    return deceleration;
}

float acc_decel_acc_lead_upper(float lower, float reserve)
{
    float upper = ACC_DECEL_NOT_AVAILABLE;

    if (acc_decel_acc_accepts(ACC_DECEL_ACC_AT_DECELERATION, lower) &&
        acc_decel_acc_accepts(ACC_DECEL_ACC_AT_RESERVE, reserve)) {
        upper = brakes(lower) ? divided(1.0F, (1.0F / lower) - reserve) : infinite;
    }
    return upper;
}
