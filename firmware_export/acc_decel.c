/* The interface: checks of the factors, status, order of the quantiles, caution outside the trained domain. The network
 * has its own file. The manual is acc_decel.h; the ranges and the other limits are in acc_decel_tables.h. */

#include "acc_decel.h"

#include "acc_decel_network.h"
#include "acc_decel_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONE ((uint32_t)1U)
#define TWICE_INFINITE 0xFF000000U /* the bits of infinity without the sign, shifted left by one: NaN has more */

static const float infinite = 1.0F / 0.0F;
static const float not_available = ACC_DECEL_NOT_AVAILABLE;

/* An integer for each float, in the same order. Comparing these keys needs no FPU, and the keys of NaN are outside the
 * keys of all numbers: no range check accepts NaN. */
static inline uint32_t key_of(float value)
{
    acc_decel_word_t word;

    word.value = value;
    return word.bits ^ ((0U - (word.bits >> 31U)) | 0x80000000U); /* below 0 all bits are inverted, else the sign */
}

static uint32_t one_if(bool condition)
{
    return condition ? 1U : 0U;
}

/* All ones if value > limit, else 0: the borrow of a subtraction, which needs no branch on any core. */
static inline uint32_t greater_mask(uint32_t value, uint32_t limit)
{
    return (uint32_t)(((uint64_t)limit - value) >> 32U);
}

/* 0 if the key of the value is from low to low + span, else all ones; all ones for NaN. A key below low wraps around to
 * a great number, so one comparison is enough. */
static inline uint32_t outside_mask(float value, uint32_t low, uint32_t span)
{
    return greater_mask(key_of(value) - low, span);
}

static acc_decel_status_t bit_of(uint32_t shift, uint32_t factor)
{
    const uint32_t place = shift + factor;
    return ((acc_decel_status_t)1U) << place;
}

/* 1 if the probabilities of a choice add up to 1, else 0; summed in the order of the columns. */
static uint32_t adds_up(const float columns[ACC_DECEL_COLUMN_COUNT], const acc_decel_choice_t *choice)
{
    float sum = 0.0F;

    for (uint32_t column = choice->first; column < choice->end; column++) {
        sum += columns[column];
    }
    /* The mask is 0 or all ones, which is -1: the result is 1 or 0. */
    return 1U + outside_mask(sum, ACC_DECEL_CHOICE_SUM_LOW, ACC_DECEL_CHOICE_SUM_SPAN);
}

/* The lowest `count` bits. */
static uint32_t ones(uint32_t count)
{
    return (ONE << count) - 1U;
}

/* The bits of columns, with the bits of one choice replaced by a single bit: 0 or 1. */
static uint32_t with_one_bit(uint32_t columns, const acc_decel_choice_t *choice, uint32_t bit)
{
    const uint32_t above = (columns >> choice->end) << 1U;
    return (columns & ones(choice->first)) | ((above | bit) << choice->first);
}

/* The status of the factors: out of range, not available, and refused if one of these rules out a prediction. Writes
 * one bit for each available column to *available. No branch depends on a value: every event takes the same time. */
static acc_decel_status_t acceptance(const float columns[ACC_DECEL_COLUMN_COUNT], uint32_t *available)
{
    uint32_t bad = 0U; /* one bit for each column: not in range */
    uint32_t nan = 0U; /* one bit for each column: not available */
    uint32_t good;     /* one bit for each column, later for each factor */
    uint32_t present;  /* the same */
    uint32_t outside;
    uint32_t missing;

    for (uint32_t i = ACC_DECEL_COLUMN_COUNT; i > 0U; i--) {
        acc_decel_word_t word;

        /* A mask is 0 or all ones, which is -1: to subtract it adds 0 or 1, the bit of this column. */
        word.value = columns[i - 1U];
        bad = (bad << 1U) - outside_mask(word.value, column_limits[i - 1U].low, column_limits[i - 1U].span);
        nan = (nan << 1U) - greater_mask(word.bits << 1U, TWICE_INFINITE);
    }
    good = ~bad;
    present = ~nan;
    *available = present;
    for (uint32_t i = ACC_DECEL_CHOICE_COUNT; i > 0U; i--) { /* from the last: the others keep their places */
        const acc_decel_choice_t *const choice = &choices[i - 1U];
        const uint32_t mask = ones(choice->end) ^ ones(choice->first);

        good = with_one_bit(good, choice, one_if((good & mask) == mask) & adds_up(columns, choice));
        present = with_one_bit(present, choice, one_if((present & mask) != 0U));
    }
    outside = present & ~good & ones(ACC_DECEL_FACTOR_COUNT);
    missing = ~present & ones(ACC_DECEL_FACTOR_COUNT);
    return (((acc_decel_status_t)outside) << ACC_DECEL_OUT_OF_RANGE_SHIFT) |
           (((acc_decel_status_t)missing) << ACC_DECEL_NOT_AVAILABLE_SHIFT) |
           (((outside | (missing & ACC_DECEL_REQUIRED)) != 0U) ? ACC_DECEL_REFUSED : 0U);
}

/* True if an exclusion applies to the columns. A column that is not available is outside every range, so it excludes
 * nothing. */
static bool is_excluded(const float columns[ACC_DECEL_COLUMN_COUNT])
{
    uint32_t allowed = ~(uint32_t)0U; /* all ones as long as nothing excludes the event */

    for (uint32_t i = 0U; i < ACC_DECEL_EXCLUSION_COUNT; i++) {
        const acc_decel_exclusion_t *const exclusion = &exclusions[i];
        allowed &= outside_mask(columns[exclusion->present], exclusion->present_low, exclusion->present_span) |
                   outside_mask(columns[exclusion->column], exclusion->low, exclusion->span);
    }
    return allowed == 0U;
}

/* Lowers each quantile to what the event gives without one of the factors that may contradict others. Takes as long as
 * one more prediction for each of them that is available. */
static void be_cautious(const acc_decel_factors_t *factors, uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    for (uint32_t i = 0U; i < ACC_DECEL_CONTRADICTING_COUNT; i++) {
        const acc_decel_contradicting_t *const factor = &contradicting[i];

        if ((available & factor->columns) != 0U) { /* else the answer is the same */
            float values[ACC_DECEL_VALUE_COUNT];
            float others[ACC_DECEL_OUTPUT_COUNT];

            columns_of(factors, values);
            (void)acc_decel_network(values, available & ~factor->columns, others);
            put_in_order(others);
            lower_quantiles(outputs, others);
        }
    }
}

acc_decel_factors_t acc_decel_no_factors(void)
{
    acc_decel_factors_t factors;

    fill(&factors, not_available);
    return factors;
}

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    acc_decel_status_t status = ACC_DECEL_REFUSED;

    if ((factors != NULL) && (prediction != NULL)) {
        float values[ACC_DECEL_VALUE_COUNT]; /* first the columns */
        uint32_t available;

        columns_of(factors, values);
        status = acceptance(values, &available);
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            float outputs[ACC_DECEL_OUTPUT_COUNT];
            const bool excluded = is_excluded(values);
            const bool unfamiliar = acc_decel_network(values, available, outputs);

            put_in_order(outputs);
            if (excluded || unfamiliar) {
                status |= ACC_DECEL_OUTSIDE_DOMAIN;
                be_cautious(factors, available, outputs);
            }
            write_outputs(outputs, prediction);
            if (!(prediction->deceleration_lower >= ACC_DECEL_COMFORT_DECELERATION)) {
                status |= ACC_DECEL_BELOW_COMFORT;
            }
        }
    }
    return status;
}

bool acc_decel_out_of_range(acc_decel_status_t status, uint32_t factor)
{
    return (factor < ACC_DECEL_FACTOR_COUNT) && ((status & bit_of(ACC_DECEL_OUT_OF_RANGE_SHIFT, factor)) != 0U);
}

bool acc_decel_not_available(acc_decel_status_t status, uint32_t factor)
{
    return (factor < ACC_DECEL_FACTOR_COUNT) && ((status & bit_of(ACC_DECEL_NOT_AVAILABLE_SHIFT, factor)) != 0U);
}

float acc_decel_stopping_distance(float speed, float deceleration, float delay)
{
    float distance = infinite;

    if (deceleration > 0.0F) {
        distance = (speed * delay) + ((speed * speed) / (2.0F * deceleration));
    }
    return distance;
}

uint32_t acc_decel_crc(uint32_t crc, const acc_decel_memory_range_t ranges[], uint32_t count)
{
    uint32_t inverse = ~crc;

    for (uint32_t i = 0U; i < count; i++) {
        const uint8_t *const bytes = ranges[i].bytes;
        for (uint32_t at = 0U; at < ranges[i].count; at++) {
            inverse ^= bytes[at];
            for (uint32_t bit = 0U; bit < 8U; bit++) {
                inverse = (inverse >> 1U) ^ (((inverse & 1U) != 0U) ? 0xEDB88320U : 0U);
            }
        }
    }
    return ~inverse;
}

uint32_t acc_decel_guard_checksum(void)
{
    return acc_decel_crc(0U, guard_ranges, ACC_DECEL_GUARD_RANGE_COUNT);
}
