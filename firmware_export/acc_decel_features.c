/* The physics features: values that a network would otherwise have to learn, in a few operations each. The constants of
 * the vehicle come from acc_decel_constants.c.
 *
 * A missing factor is replaced by a typical value. The order of the operations is that of the reference in NumPy, so
 * the bits are the same. A quotient of a rising value is written as 1 - c / (value + c). */

#include "acc_decel_features.h"

#include "acc_decel_constants.h"
#include "acc_decel_word.h"

#include <stdint.h>

#define SURFACES 6U
#define SNOW 4U /* its index among the surfaces, after four that are not frozen */
#define ICE 5U
#define TYRES 3U

/* What several features use: factors with typical values for missing ones, and friction of new, dry tyres. */
typedef struct {
    float speed;
    float squared; /* speed */
    float abs;
    float mass;
    float brake_temperature_c;
    float grade;
    float headwind;
    float road_temperature_c;
    float tyre_pressure_bar;
    float tread_depth_mm;
    float water_film_mm;
    float friction_estimate;
    float surface[SURFACES]; /* probabilities */
    float tyre[TYRES];
    float snowy;
    float icy;
    float firm; /* probability of asphalt, concrete or cobbles */
    float wet;  /* water film, 0 on packed snow [mm] */
    float thin;
    float wear; /* 0 if new, 1 if worn */
    float locked;
    float sliding;
    float cold_snow; /* times that, for the temperature */
    float cold_ice;
    float slower_ice; /* times that, for the speed */
    float paved;      /* friction times the probability of the surface */
    float snow;
    float ice;
} situation_t;

static inline float clip(float value, float low, float high)
{
    return acc_decel_smaller(acc_decel_larger(value, low), high);
}

/* The value if `mask` is all ones, the other one if it is 0; without a branch. */
static inline float either(uint32_t mask, float value, float other)
{
    acc_decel_word_t known;
    acc_decel_word_t unknown;

    known.value = value;
    unknown.value = other;
    known.bits = (known.bits & mask) | (unknown.bits & ~mask);
    return known.value;
}

static inline float dot_3(const float x[TYRES], const float numbers[TYRES])
{
    return ((x[0] * numbers[0]) + (x[1] * numbers[1])) + (x[2] * numbers[2]);
}

static inline float dot_4(const float x[SNOW], const float numbers[SNOW])
{
    return dot_3(x, numbers) + (x[3] * numbers[3]);
}

static inline float dot_6(const float x[SURFACES], const float numbers[SURFACES])
{
    return (dot_4(x, numbers) + (x[SNOW] * numbers[SNOW])) + (x[ICE] * numbers[ICE]);
}

/* 1 on a cold road, 0 on a warm one. */
static inline float ramp(const acc_decel_constants_t *c, float road_c, float end_c)
{
    return clip((end_c - road_c) * c->melting_rate, 0.0F, 1.0F);
}

/* The factors, with typical values for missing ones. */
static inline void set_factors(const acc_decel_constants_t *c, situation_t *s,
                               const float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    s->speed = values[ACC_DECEL_VALUE_SPEED];
    s->squared = s->speed * s->speed;
    s->abs = values[ACC_DECEL_VALUE_ABS];
    s->mass = acc_decel_has(available, ACC_DECEL_VALUE_MASS) ? values[ACC_DECEL_VALUE_MASS] : c->typical_mass;
    s->brake_temperature_c = acc_decel_has(available, ACC_DECEL_VALUE_BRAKE_TEMPERATURE_C)
                                 ? values[ACC_DECEL_VALUE_BRAKE_TEMPERATURE_C]
                                 : c->typical_brake_temperature_c;
    s->grade = acc_decel_has(available, ACC_DECEL_VALUE_GRADE) ? values[ACC_DECEL_VALUE_GRADE] : c->typical_grade;
    s->headwind =
        acc_decel_has(available, ACC_DECEL_VALUE_HEADWIND) ? values[ACC_DECEL_VALUE_HEADWIND] : c->typical_headwind;
    s->water_film_mm = acc_decel_has(available, ACC_DECEL_VALUE_WATER_FILM_MM) ? values[ACC_DECEL_VALUE_WATER_FILM_MM]
                                                                               : c->typical_water_film_mm;
    s->road_temperature_c = acc_decel_has(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C)
                                ? values[ACC_DECEL_VALUE_ROAD_TEMPERATURE_C]
                                : c->typical_road_temperature_c;
    s->tread_depth_mm = acc_decel_has(available, ACC_DECEL_VALUE_TREAD_DEPTH_MM)
                            ? values[ACC_DECEL_VALUE_TREAD_DEPTH_MM]
                            : c->typical_tread_depth_mm;
    s->tyre_pressure_bar = acc_decel_has(available, ACC_DECEL_VALUE_TYRE_PRESSURE_BAR)
                               ? values[ACC_DECEL_VALUE_TYRE_PRESSURE_BAR]
                               : c->typical_tyre_pressure_bar;
    s->friction_estimate = acc_decel_has(available, ACC_DECEL_VALUE_FRICTION_ESTIMATE)
                               ? values[ACC_DECEL_VALUE_FRICTION_ESTIMATE]
                               : c->typical_friction_estimate;
}

/* The probability of each surface; without a camera it follows from the road temperature. One of the two summands is 0,
 * so that no branch is needed. */
static inline void set_surface(const acc_decel_constants_t *c, situation_t *s,
                               const float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    const uint32_t road_known = acc_decel_mask(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C);
    const uint32_t known = acc_decel_mask(available, ACC_DECEL_VALUE_SURFACE);
    const float *const named = &values[ACC_DECEL_VALUE_SURFACE];
    const float *const shares = c->surface_shares;
    float snow_share;
    float ice_share;
    float inverse;

    s->snowy = either(road_known, ramp(c, s->road_temperature_c, c->snow_ends_c), c->snowy_unknown);
    s->icy = either(road_known, ramp(c, s->road_temperature_c, c->ice_ends_c), c->icy_unknown);
    snow_share = s->snowy * shares[SNOW];
    ice_share = s->icy * shares[ICE];
    inverse = 1.0F / (((((shares[0] + shares[1]) + shares[2]) + shares[3]) + snow_share) + ice_share);
    inverse = acc_decel_value_or_0(~known, inverse);
    s->surface[0] = acc_decel_value_or_0(known, named[0]) + (shares[0] * inverse);
    s->surface[1] = acc_decel_value_or_0(known, named[1]) + (shares[1] * inverse);
    s->surface[2] = acc_decel_value_or_0(known, named[2]) + (shares[2] * inverse);
    s->surface[3] = acc_decel_value_or_0(known, named[3]) + (shares[3] * inverse);
    s->surface[SNOW] = acc_decel_value_or_0(known, named[SNOW]) + (snow_share * inverse);
    s->surface[ICE] = acc_decel_value_or_0(known, named[ICE]) + (ice_share * inverse);
    s->firm = (s->surface[0] + s->surface[1]) + s->surface[2];
    s->locked = dot_6(s->surface, c->locked);
    s->sliding = s->abs + ((1.0F - s->abs) * s->locked);
    s->wet = s->water_film_mm * (1.0F - s->surface[SNOW]);
    s->thin = 1.0F - (ACC_DECEL_THIN_FILM_MM / (s->wet + ACC_DECEL_THIN_FILM_MM));
}

/* The probability of each kind of tyre; if it is not known, it follows from the season. */
static inline void set_tyre(const acc_decel_constants_t *c, situation_t *s, const float values[ACC_DECEL_VALUE_COUNT],
                            uint32_t available)
{
    const uint32_t known = acc_decel_mask(available, ACC_DECEL_VALUE_TYRE_KIND);
    const float *const named = &values[ACC_DECEL_VALUE_TYRE_KIND];
    const float *const warm = c->tyre_shares_warm;
    const float *const change = c->tyre_shares_change;
    const float winter = ramp(c, s->road_temperature_c, c->winter_ends_c);

    s->tyre[0] = either(known, named[0], warm[0] + (winter * change[0]));
    s->tyre[1] = either(known, named[1], warm[1] + (winter * change[1]));
    s->tyre[2] = either(known, named[2], warm[2] + (winter * change[2]));
    s->wear = acc_decel_larger((ACC_DECEL_NEW_MM - s->tread_depth_mm) * ACC_DECEL_WEAR_PER_MM, 0.0F);
}

static inline void set_dry_friction(const acc_decel_constants_t *c, situation_t *s)
{
    const float road_c = s->road_temperature_c;
    const float cold = acc_decel_larger(road_c, ACC_DECEL_COLDEST_C);
    const float below = acc_decel_smaller(cold, ACC_DECEL_MILD_C) - ACC_DECEL_MILD_C;
    const float above = acc_decel_larger(road_c, ACC_DECEL_MILD_C) - ACC_DECEL_MILD_C;
    const float frozen = acc_decel_smaller(cold, ACC_DECEL_THAWED_C) - ACC_DECEL_FROZEN_C;
    const float mild = dot_3(s->tyre, c->compound) + (below * dot_3(s->tyre, c->compound_cold));
    const float compound = mild + (above * dot_3(s->tyre, c->compound_warm));

    s->cold_snow = 1.0F - (frozen * c->cold_gain[0]);
    s->cold_ice = 1.0F - (frozen * c->cold_gain[1]);
    s->paved = dot_4(s->surface, c->friction) * compound;
    s->snow = (s->surface[SNOW] * dot_3(s->tyre, c->friction_snow)) * s->cold_snow;
    s->slower_ice = 1.0F / (1.0F + (s->speed * c->speed_loss_ice));
    s->ice = (s->surface[ICE] * dot_3(s->tyre, c->friction_ice)) * s->cold_ice;
}

/* Friction at walking speed, with water and wear. */
static inline float expected_friction(const acc_decel_constants_t *c, const situation_t *s)
{
    const float loss = dot_4(s->surface, c->wet_loss) + ((s->wear * s->firm) * c->worn_loss);
    const float worn = 1.0F - ((ACC_DECEL_NEW_MM - s->tread_depth_mm) * c->worn_snow);
    const float ice = (s->ice * s->slower_ice) * (1.0F - (s->thin * c->wet_loss_ice));

    return (s->paved * (1.0F - acc_decel_smaller(loss * s->thin, ACC_DECEL_MAX_WET_LOSS))) + ((s->snow + ice) * worn);
}

/* Friction over the friction at walking speed: the water carries the tyre, and a sliding tyre lubricates itself. */
static inline float water_share(const acc_decel_constants_t *c, const situation_t *s)
{
    const float knee = 1.0F - (ACC_DECEL_FILM_KNEE_MM / (s->wet + ACC_DECEL_FILM_KNEE_MM));
    const float deep = (s->wet * ACC_DECEL_FILM_KNEE_MM) + (knee * ACC_DECEL_DEEP_FILM);
    const float harder = s->tyre_pressure_bar - c->typical_tyre_pressure_bar;
    const float pressure = 1.0F - (harder * c->draining_pressure);
    const float carried = ((s->squared * c->floating) * deep) * (1.0F + (s->wear * c->floating_worn));
    const float floating = carried * pressure;
    const float slip = c->slip_locked + (s->abs * c->slip_change);
    const float wet_sliding = (deep * (1.0F + (s->wear * c->sliding_worn))) * c->sliding;
    const float sliding = wet_sliding + (s->firm * c->dry_sliding);

    return 1.0F / ((1.0F + ((floating * floating) * (1.0F / 3.0F))) * (1.0F + ((slip * s->speed) * sliding)));
}

/* What the brakes can give, with fade; its upper limit; and what slows the car without brakes. */
static inline void set_brakes(const acc_decel_constants_t *c, const situation_t *s, float values[ACC_DECEL_VALUE_COUNT],
                              uint32_t available)
{
    const float inverse_mass = 1.0F / (s->mass + c->towed_mass);
    const float least = either(acc_decel_mask(available, ACC_DECEL_VALUE_MASS), inverse_mass, c->least_inverse);
    const float force = values[ACC_DECEL_VALUE_BRAKE_PRESSURE_BAR] * c->force_per_bar;
    const float heated = s->brake_temperature_c + ((s->mass * s->squared) * c->heating);
    const float hot = clip((heated - c->fade_onset_c) * c->fade_rate, 0.0F, 1.0F);
    const float faded = (force * inverse_mass) * (1.0F - (hot * c->fade_loss));
    const float braking = acc_decel_smaller(faded, ACC_DECEL_MAX_BRAKING);
    const float wind = (s->speed * 0.5F) + (s->headwind * (4.0F / 3.0F));
    const float drag = ((s->speed * wind) * inverse_mass) * c->drag;

    values[ACC_DECEL_VALUE_BRAKING] = braking;
    values[ACC_DECEL_VALUE_BRAKING_SHARE] = 1.0F - (ACC_DECEL_HALF_BRAKING / (braking + ACC_DECEL_HALF_BRAKING));
    values[ACC_DECEL_VALUE_BRAKE_LIMIT] = acc_decel_smaller(force * least, ACC_DECEL_MAX_BRAKING);
    values[ACC_DECEL_VALUE_RESISTANCE] = ((s->grade * c->climbing) + drag) + c->rolling;
}

/* The most that the best tyre can reach on a frozen surface; i is 0 for packed snow, 1 for ice. */
static inline float frozen_limit(const acc_decel_constants_t *c, float tyre, float cold, uint32_t i, uint32_t available)
{
    const float of_tyre = either(acc_decel_mask(available, ACC_DECEL_VALUE_TYRE_KIND), tyre, c->best_tyre[i]);
    const float of_cold = either(acc_decel_mask(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C), cold, c->coldest[i]);

    return of_tyre * of_cold;
}

/* The lower one of two limits; `limit` is that of a surface, raised as far as the road may be a better one. */
static inline float with_limit(float lowest, float limit, float better)
{
    return acc_decel_smaller(limit + (better * ACC_DECEL_DOUBT_SLACK), lowest);
}

/* The most that the best tyre can reach on the surfaces that the camera names; the best surface comes first. */
static inline float road_limit(const acc_decel_constants_t *c, const situation_t *s, uint32_t available)
{
    const float snow = frozen_limit(c, dot_3(s->tyre, c->best_snow), s->cold_snow, 0U, available);
    const float ice = frozen_limit(c, dot_3(s->tyre, c->best_ice), s->cold_ice, 1U, available) * s->slower_ice;
    const float before_second = s->surface[0] + s->surface[1];
    const float before_third = before_second + s->surface[2];
    const float before_snow = before_third + s->surface[3];
    float lowest = with_limit(c->best_firm[0], c->best_firm[1], s->surface[0]);

    lowest = with_limit(lowest, c->best_firm[2], before_second);
    lowest = with_limit(lowest, c->best_firm[3], before_third);
    lowest = with_limit(lowest, snow, before_snow);
    lowest = with_limit(lowest, ice, before_snow + s->surface[SNOW]);
    return either(acc_decel_mask(available, ACC_DECEL_VALUE_SURFACE), lowest, c->best_firm[0]);
}

/* The variance of the friction over the surfaces. */
static inline float doubt(const acc_decel_constants_t *c, const situation_t *s)
{
    const float friction = dot_6(s->surface, c->mean_friction);
    return acc_decel_larger(dot_6(s->surface, c->mean_friction_squared) - (friction * friction), 0.0F);
}

void acc_decel_features(float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    const acc_decel_constants_t *const c = acc_decel_constants();
    situation_t s;
    float expected;
    float estimate;
    float remaining; /* of the friction, at this speed */
    float film;      /* if unknown, one in which a worn tyre has no advantage [mm] */

    set_factors(c, &s, values, available);
    set_surface(c, &s, values, available);
    set_tyre(c, &s, values, available);
    set_dry_friction(c, &s);
    expected = expected_friction(c, &s) * ACC_DECEL_GRAVITY;
    estimate = s.friction_estimate * ACC_DECEL_GRAVITY;
    remaining = s.sliding * water_share(c, &s);
    film = either(acc_decel_mask(available, ACC_DECEL_VALUE_WATER_FILM_MM), s.water_film_mm, ACC_DECEL_DRAINED_MM);
    values[ACC_DECEL_VALUE_FILM_SHARE] = 1.0F - (ACC_DECEL_HALF_FILM_MM / (s.wet + ACC_DECEL_HALF_FILM_MM));
    values[ACC_DECEL_VALUE_WETNESS] = s.thin;
    values[ACC_DECEL_VALUE_EXPECTED_LIMIT] = acc_decel_smaller(expected * remaining, ACC_DECEL_LARGEST_LIMIT);
    values[ACC_DECEL_VALUE_ESTIMATED_LIMIT] = acc_decel_smaller(estimate * remaining, ACC_DECEL_LARGEST_LIMIT);
    values[ACC_DECEL_VALUE_WORN_GRIP] =
        ((ACC_DECEL_DEEPEST_MM - s.tread_depth_mm) * acc_decel_larger(ACC_DECEL_DRAINED_MM - film, 0.0F)) * s.firm;
    values[ACC_DECEL_VALUE_SPEED_SQUARED] = s.squared * (1.0F / 1600.0F);
    values[ACC_DECEL_VALUE_GRIP] = (s.paved + s.snow) + s.ice;
    values[ACC_DECEL_VALUE_DOUBT] = doubt(c, &s);
    values[ACC_DECEL_VALUE_LOCKED_GRIP] = s.locked;
    values[ACC_DECEL_VALUE_SNOWY] = s.snowy;
    values[ACC_DECEL_VALUE_ICY] = s.icy;
    values[ACC_DECEL_VALUE_FILM_KNOWN] =
        acc_decel_larger(acc_decel_has(available, ACC_DECEL_VALUE_WATER_FILM_MM) ? 1.0F : 0.0F, s.surface[SNOW]);
    values[ACC_DECEL_VALUE_ROAD_LIMIT] = road_limit(c, &s, available);
    set_brakes(c, &s, values, available);
}
