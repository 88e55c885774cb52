/* The physics features: values that a network would otherwise have to learn, in a few operations each. The constants of
 * the vehicle are in acc_decel_feature_tables.h.
 *
 * A missing factor is replaced by a typical value. The order of the operations is that of the reference in NumPy, so
 * the bits are the same. A quotient of a rising value is written as 1 - c / (value + c). */

#include "acc_decel_features.h"

#include "acc_decel_feature_tables.h"
#include "acc_decel_network.h"

#include <stdbool.h>
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
    float tyre_snow; /* friction of the tyre there */
    float tyre_ice;
    float cold_snow; /* times that, for the temperature */
    float cold_ice;
    float slower_ice; /* times that, for the speed */
    float paved; /* friction times the probability of the surface */
    float snow;
    float ice;
} situation_t;

static inline float smaller(float x, float y)
{
    return (x < y) ? x : y;
}

static inline float larger(float x, float y)
{
    return (x > y) ? x : y;
}

static inline float clip(float value, float low, float high)
{
    return smaller(larger(value, low), high);
}

static inline bool has(uint32_t available, uint32_t column)
{
    return ((available >> column) & 1U) != 0U;
}

static inline float dot_3(const float x[TYRES], const float weights[TYRES])
{
    return ((x[0] * weights[0]) + (x[1] * weights[1])) + (x[2] * weights[2]);
}

static inline float dot_4(const float x[SNOW], const float weights[SNOW])
{
    return dot_3(x, weights) + (x[3] * weights[3]);
}

static inline float dot_6(const float x[SURFACES], const float weights[SURFACES])
{
    return (dot_4(x, weights) + (x[SNOW] * weights[SNOW])) + (x[ICE] * weights[ICE]);
}

/* 1 on a cold road, 0 on a warm one. */
static inline float ramp(float road_c, float end_c)
{
    return clip((end_c - road_c) * constants.melting_rate, 0.0F, 1.0F);
}

/* The factors, with typical values for missing ones. */
static inline void set_factors(situation_t *s, const float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    s->speed = values[ACC_DECEL_VALUE_SPEED];
    s->squared = s->speed * s->speed;
    s->abs = values[ACC_DECEL_VALUE_ABS];
    s->mass = has(available, ACC_DECEL_VALUE_MASS) ? values[ACC_DECEL_VALUE_MASS] : constants.typical_mass;
    s->brake_temperature_c = has(available, ACC_DECEL_VALUE_BRAKE_TEMPERATURE_C)
                                 ? values[ACC_DECEL_VALUE_BRAKE_TEMPERATURE_C]
                                 : constants.typical_brake_temperature_c;
    s->grade = has(available, ACC_DECEL_VALUE_GRADE) ? values[ACC_DECEL_VALUE_GRADE] : constants.typical_grade;
    s->headwind =
        has(available, ACC_DECEL_VALUE_HEADWIND) ? values[ACC_DECEL_VALUE_HEADWIND] : constants.typical_headwind;
    s->water_film_mm = has(available, ACC_DECEL_VALUE_WATER_FILM_MM) ? values[ACC_DECEL_VALUE_WATER_FILM_MM]
                                                                     : constants.typical_water_film_mm;
    s->road_temperature_c = has(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C)
                                ? values[ACC_DECEL_VALUE_ROAD_TEMPERATURE_C]
                                : constants.typical_road_temperature_c;
    s->tread_depth_mm = has(available, ACC_DECEL_VALUE_TREAD_DEPTH_MM) ? values[ACC_DECEL_VALUE_TREAD_DEPTH_MM]
                                                                       : constants.typical_tread_depth_mm;
    s->tyre_pressure_bar = has(available, ACC_DECEL_VALUE_TYRE_PRESSURE_BAR) ? values[ACC_DECEL_VALUE_TYRE_PRESSURE_BAR]
                                                                             : constants.typical_tyre_pressure_bar;
    s->friction_estimate = has(available, ACC_DECEL_VALUE_FRICTION_ESTIMATE) ? values[ACC_DECEL_VALUE_FRICTION_ESTIMATE]
                                                                             : constants.typical_friction_estimate;
}

/* The probability of each surface; without a camera it follows from the road temperature. */
static inline void set_surface(situation_t *s, const float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    const bool road_known = has(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C);
    const bool known = has(available, ACC_DECEL_VALUE_SURFACE);
    const float *const shares = constants.surface_shares;
    float snow_share;
    float ice_share;
    float inverse;

    s->snowy = road_known ? ramp(s->road_temperature_c, constants.snow_ends_c) : constants.snowy_unknown;
    s->icy = road_known ? ramp(s->road_temperature_c, constants.ice_ends_c) : constants.icy_unknown;
    snow_share = s->snowy * shares[SNOW];
    ice_share = s->icy * shares[ICE];
    inverse = 1.0F / (((((shares[0] + shares[1]) + shares[2]) + shares[3]) + snow_share) + ice_share);
    for (uint32_t i = 0U; i < SNOW; i++) {
        s->surface[i] = known ? values[ACC_DECEL_VALUE_SURFACE + i] : (shares[i] * inverse);
    }
    s->surface[SNOW] = known ? values[ACC_DECEL_VALUE_SURFACE + SNOW] : (snow_share * inverse);
    s->surface[ICE] = known ? values[ACC_DECEL_VALUE_SURFACE + ICE] : (ice_share * inverse);
    s->firm = (s->surface[0] + s->surface[1]) + s->surface[2];
    s->locked = dot_6(s->surface, constants.locked);
    s->sliding = s->abs + ((1.0F - s->abs) * s->locked);
}

/* The probability of each kind of tyre; if it is not known, it follows from the season. */
static inline void set_tyre(situation_t *s, const float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    const bool known = has(available, ACC_DECEL_VALUE_TYRE_KIND);
    const float winter = ramp(s->road_temperature_c, constants.winter_ends_c);

    for (uint32_t i = 0U; i < TYRES; i++) {
        const float warm = constants.tyre_shares_warm[i];
        const float share = warm + (winter * (constants.tyre_shares_cold[i] - warm));
        s->tyre[i] = known ? values[ACC_DECEL_VALUE_TYRE_KIND + i] : share;
    }
    s->wear = clip((ACC_DECEL_NEW_MM - s->tread_depth_mm) * ACC_DECEL_WEAR_PER_MM, 0.0F, 1.1F);
    s->wet = s->water_film_mm * (1.0F - s->surface[SNOW]);
    s->thin = 1.0F - (ACC_DECEL_THIN_FILM_MM / (s->wet + ACC_DECEL_THIN_FILM_MM));
}

static inline void set_dry_friction(situation_t *s)
{
    const float road_c = s->road_temperature_c;
    const float below = clip(road_c, ACC_DECEL_COLDEST_C, ACC_DECEL_MILD_C) - ACC_DECEL_MILD_C;
    const float above = clip(road_c, ACC_DECEL_MILD_C, ACC_DECEL_HOTTEST_C) - ACC_DECEL_MILD_C;
    const float frozen = clip(road_c, ACC_DECEL_COLDEST_C, ACC_DECEL_THAWED_C) - ACC_DECEL_FROZEN_C;
    const float mild = dot_3(s->tyre, constants.compound) + (below * dot_3(s->tyre, constants.compound_cold));
    const float compound = mild + (above * dot_3(s->tyre, constants.compound_warm));

    s->tyre_snow = dot_3(s->tyre, constants.friction_snow);
    s->tyre_ice = dot_3(s->tyre, constants.friction_ice);
    s->cold_snow = 1.0F - (frozen * constants.cold_gain[0]);
    s->cold_ice = 1.0F - (frozen * constants.cold_gain[1]);
    s->paved = dot_4(s->surface, constants.friction) * compound;
    s->snow = (s->surface[SNOW] * s->tyre_snow) * s->cold_snow;
    s->slower_ice = 1.0F / (1.0F + (s->speed * constants.speed_loss_ice));
    s->ice = ((s->surface[ICE] * s->tyre_ice) * s->cold_ice) * s->slower_ice;
}

/* Friction at walking speed, with water and wear. */
static inline float expected_friction(const situation_t *s)
{
    const float loss = dot_4(s->surface, constants.wet_loss) + ((s->wear * s->firm) * constants.worn_loss);
    const float worn = 1.0F - (clip(ACC_DECEL_NEW_MM - s->tread_depth_mm, -1.0F, 7.0F) * constants.worn_snow);
    const float ice = s->ice * (1.0F - (s->thin * constants.wet_loss_ice));

    return (s->paved * (1.0F - smaller(loss * s->thin, ACC_DECEL_MAX_WET_LOSS))) + ((s->snow + ice) * worn);
}

/* Friction over the friction at walking speed: the water carries the tyre, and a sliding tyre lubricates itself. */
static inline float water_share(const situation_t *s)
{
    const float knee = 1.0F - (ACC_DECEL_FILM_KNEE_MM / (s->wet + ACC_DECEL_FILM_KNEE_MM));
    const float deep = (s->wet * ACC_DECEL_FILM_KNEE_MM) + (knee * ACC_DECEL_DEEP_FILM);
    const float harder = s->tyre_pressure_bar - constants.typical_tyre_pressure_bar;
    const float pressure = clip(1.0F - (harder * constants.draining_pressure), 0.5F, 1.5F);
    const float carried = ((s->squared * constants.floating) * deep) * (1.0F + (s->wear * constants.floating_worn));
    const float floating = carried * pressure;
    const float slip = constants.slip_locked + (s->abs * (constants.slip_abs - constants.slip_locked));
    const float wet_sliding = (deep * (1.0F + (s->wear * constants.sliding_worn))) * constants.sliding;
    const float sliding = wet_sliding + (s->firm * constants.dry_sliding);

    return 1.0F / ((1.0F + ((floating * floating) * (1.0F / 3.0F))) * (1.0F + ((slip * s->speed) * sliding)));
}

/* What the brakes can give, with fade; its upper limit; and what slows the car without brakes. */
static inline void set_brakes(const situation_t *s, float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    const float inverse_mass = 1.0F / (s->mass + constants.towed_mass);
    const float least_inverse = 1.0F / (constants.least_mass + constants.towed_mass);
    const float least = has(available, ACC_DECEL_VALUE_MASS) ? inverse_mass : least_inverse;
    const float force = values[ACC_DECEL_VALUE_BRAKE_PRESSURE_BAR] * constants.force_per_bar;
    const float heated = s->brake_temperature_c + ((s->mass * s->squared) * constants.heating);
    const float hot = clip((heated - constants.fade_onset_c) * constants.fade_rate, 0.0F, 1.0F);
    const float faded = (force * inverse_mass) * (1.0F - (hot * constants.fade_loss));
    const float braking = smaller(faded, ACC_DECEL_MAX_BRAKING);
    const float wind = (s->speed * 0.5F) + (s->headwind * (4.0F / 3.0F));
    const float drag = ((s->speed * wind) * inverse_mass) * constants.drag;

    values[ACC_DECEL_VALUE_BRAKING] = braking;
    values[ACC_DECEL_VALUE_BRAKING_SHARE] = 1.0F - (ACC_DECEL_HALF_BRAKING / (braking + ACC_DECEL_HALF_BRAKING));
    values[ACC_DECEL_VALUE_BRAKE_LIMIT] = smaller(force * least, ACC_DECEL_MAX_BRAKING);
    values[ACC_DECEL_VALUE_RESISTANCE] = ((s->grade * constants.climbing) + drag) + constants.rolling;
}

/* The most that the best tyre can reach on a frozen surface; i is 0 for packed snow, 1 for ice. */
static inline float frozen_limit(float tyre, const float frictions[TYRES], float cold, uint32_t i, uint32_t available)
{
    const float best_tyre = larger(larger(frictions[0], frictions[1]), frictions[2]);
    const float coldest = 1.0F - ((ACC_DECEL_COLDEST_C - ACC_DECEL_FROZEN_C) * constants.cold_gain[i]);
    const float of_tyre = has(available, ACC_DECEL_VALUE_TYRE_KIND) ? tyre : best_tyre;
    const float of_cold = has(available, ACC_DECEL_VALUE_ROAD_TEMPERATURE_C) ? cold : coldest;

    return (of_tyre * of_cold) * (constants.headroom[SNOW + i] * ACC_DECEL_GRAVITY);
}

/* The limit of the surfaces from the worst on, up to one that has the limit `limit`, if they are so certain. */
static inline float bounded(float limit, float certain, float lowest)
{
    return smaller(limit + ((1.0F - certain) * ACC_DECEL_DOUBT_SLACK), lowest);
}

/* The most that the best tyre can reach on the surfaces that the camera names. */
static inline float road_limit(const situation_t *s, uint32_t available)
{
    const float snow = frozen_limit(s->tyre_snow, constants.friction_snow, s->cold_snow, 0U, available);
    const float ice = frozen_limit(s->tyre_ice, constants.friction_ice, s->cold_ice, 1U, available) * s->slower_ice;
    float certain = s->surface[ICE];
    float lowest = bounded(ice, certain, ACC_DECEL_LARGEST_ROAD_LIMIT);

    certain += s->surface[SNOW];
    lowest = bounded(snow, certain, lowest);
    for (uint32_t i = SNOW; i > 0U; i--) {
        const float limit = (constants.friction[i - 1U] * constants.headroom[i - 1U]) * ACC_DECEL_GRAVITY;
        certain += s->surface[i - 1U];
        lowest = bounded(limit, certain, lowest);
    }
    return has(available, ACC_DECEL_VALUE_SURFACE) ? lowest : ACC_DECEL_LARGEST_ROAD_LIMIT;
}

/* The variance of the friction over the surfaces. */
static inline float doubt(const situation_t *s)
{
    const float *const mean = constants.mean_friction;
    const float squares[SURFACES] = {mean[0] * mean[0], mean[1] * mean[1], mean[2] * mean[2],
                                     mean[3] * mean[3], mean[4] * mean[4], mean[5] * mean[5]};
    const float friction = dot_6(s->surface, mean);

    return larger(dot_6(s->surface, squares) - (friction * friction), 0.0F);
}

void acc_decel_features(float values[ACC_DECEL_VALUE_COUNT], uint32_t available)
{
    situation_t s;
    float expected;
    float estimate;
    float remaining; /* of the friction, at this speed */

    set_factors(&s, values, available);
    set_surface(&s, values, available);
    set_tyre(&s, values, available);
    set_dry_friction(&s);
    expected = expected_friction(&s) * ACC_DECEL_GRAVITY;
    estimate = s.friction_estimate * ACC_DECEL_GRAVITY;
    remaining = s.sliding * water_share(&s);
    values[ACC_DECEL_VALUE_FILM_SHARE] = 1.0F - (ACC_DECEL_HALF_FILM_MM / (s.wet + ACC_DECEL_HALF_FILM_MM));
    values[ACC_DECEL_VALUE_WETNESS] = s.thin;
    values[ACC_DECEL_VALUE_EXPECTED_LIMIT] = smaller(expected * remaining, ACC_DECEL_LARGEST_LIMIT);
    values[ACC_DECEL_VALUE_ESTIMATED_LIMIT] = smaller(estimate * remaining, ACC_DECEL_LARGEST_LIMIT);
    values[ACC_DECEL_VALUE_WORN_GRIP] =
        (ACC_DECEL_DEEPEST_MM - s.tread_depth_mm) * larger(ACC_DECEL_DRAINED_MM - s.water_film_mm, 0.0F);
    values[ACC_DECEL_VALUE_SPEED_SQUARED] = s.squared * (1.0F / 1600.0F);
    values[ACC_DECEL_VALUE_GRIP] = (s.paved + s.snow) + s.ice;
    values[ACC_DECEL_VALUE_DOUBT] = doubt(&s);
    values[ACC_DECEL_VALUE_LOCKED_GRIP] = s.locked;
    values[ACC_DECEL_VALUE_SNOWY] = s.snowy;
    values[ACC_DECEL_VALUE_ICY] = s.icy;
    values[ACC_DECEL_VALUE_FILM_KNOWN] =
        larger(has(available, ACC_DECEL_VALUE_WATER_FILM_MM) ? 1.0F : 0.0F, s.surface[SNOW]);
    values[ACC_DECEL_VALUE_ROAD_LIMIT] = road_limit(&s, available);
    set_brakes(&s, values, available);
}

uint32_t acc_decel_features_crc(uint32_t crc)
{
    return acc_decel_crc(crc, feature_ranges, ACC_DECEL_FEATURE_RANGE_COUNT);
}
