/* The interface: checks of the factors, status, order of the quantiles. The network is in a file of its own.
 * The manual is acc_decel.h; ranges and their like are in acc_decel_tables.h. */

#include "acc_decel.h"

#include "acc_decel_network.h"
#include "acc_decel_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONE ((uint32_t)1U)
#define TWICE_INFINITE 0xFF000000U /* the bits of infinity without its sign, moved up by one: NaN has more */

static const float infinite = 1.0F / 0.0F;

/* Floats are compared by keys, which ascend as the floats do: no FPU is needed, and no comparison is true of NaN. */
static inline uint32_t key_of(float value)
{
    acc_decel_word_t word;

    word.value = value;
    return word.bits ^ ((0U - (word.bits >> 31U)) | 0x80000000U); /* below 0 every bit is turned, else the sign */
}

static uint32_t one_if(bool condition)
{
    return condition ? 1U : 0U;
}

/* Every bit or none, whether value > most: the borrow of a subtraction, without a branch on any core. */
static inline uint32_t is_beyond(uint32_t value, uint32_t most)
{
    return (uint32_t)(((uint64_t)most - value) >> 32U);
}

/* None or every bit, whether low <= value <= low + span; every one for NaN, whose keys lie beyond all others. */
static inline uint32_t strays(float value, uint32_t low, uint32_t span)
{
    return is_beyond(key_of(value) - low, span);
}

static acc_decel_status_t bit_of(uint32_t shift, uint32_t factor)
{
    const uint32_t place = shift + factor;
    return ((acc_decel_status_t)1U) << place;
}

/* 1 or 0, whether the probabilities of a choice add up to 1, summed in the order of its columns. */
static uint32_t adds_up(const float columns[ACC_DECEL_COLUMN_COUNT], const acc_decel_choice_t *choice)
{
    float sum = 0.0F;

    for (uint32_t column = choice->first; column < choice->end; column++) {
        sum += columns[column];
    }
    return 1U + strays(sum, ACC_DECEL_CHOICE_SUM_LOW, ACC_DECEL_CHOICE_SUM_SPAN);
}

static uint32_t ones(uint32_t count)
{
    return (ONE << count) - 1U;
}

/* The bits of columns with those of one choice replaced by a single one, the lowest of `bit`. */
static uint32_t joined(uint32_t columns, const acc_decel_choice_t *choice, uint32_t bit)
{
    const uint32_t above = (columns >> choice->end) << 1U;
    return (columns & ones(choice->first)) | ((above | bit) << choice->first);
}

/* Bits of every factor: out of range, not available, and refused where one of them rules out a prediction. Writes a bit
 * for each column that is available to *available. Nothing branches on values: every event takes the same time. */
static acc_decel_status_t acceptance(const float columns[ACC_DECEL_COLUMN_COUNT], uint32_t *available)
{
    uint32_t bad = 0U; /* one bit for each column, in the end for each factor: not in range */
    uint32_t nan = 0U; /* not available */
    uint32_t good;
    uint32_t here;
    uint32_t outside;
    uint32_t lacking;

    for (uint32_t i = ACC_DECEL_COLUMN_COUNT; i > 0U; i--) {
        acc_decel_word_t word;

        word.value = columns[i - 1U];
        bad = (bad << 1U) - strays(word.value, column_limits[i - 1U].low, column_limits[i - 1U].span);
        nan = (nan << 1U) - is_beyond(word.bits << 1U, TWICE_INFINITE);
    }
    good = ~bad;
    here = ~nan;
    *available = here;
    for (uint32_t i = ACC_DECEL_CHOICE_COUNT; i > 0U; i--) { /* the last one first: no bit moves that is still needed */
        const acc_decel_choice_t *const choice = &choices[i - 1U];
        const uint32_t mask = ones(choice->end) ^ ones(choice->first);

        good = joined(good, choice, one_if((good & mask) == mask) & adds_up(columns, choice));
        here = joined(here, choice, one_if((here & mask) != 0U));
    }
    outside = here & ~good & ones(ACC_DECEL_FACTOR_COUNT);
    lacking = ~here & ones(ACC_DECEL_FACTOR_COUNT);
    return (((acc_decel_status_t)outside) << ACC_DECEL_OUT_OF_RANGE_SHIFT) |
           (((acc_decel_status_t)lacking) << ACC_DECEL_NOT_AVAILABLE_SHIFT) |
           (((outside | (lacking & ACC_DECEL_NEEDED)) != 0U) ? ACC_DECEL_REFUSED : 0U);
}

/* Whether the columns are of a combination that is excluded. A column that is not available is not within, and so
 * excludes nothing. */
static bool is_excluded(const float columns[ACC_DECEL_COLUMN_COUNT])
{
    uint32_t free = ~(uint32_t)0U; /* every bit while nothing excludes the event */

    for (uint32_t i = 0U; i < ACC_DECEL_EXCLUSION_COUNT; i++) {
        const acc_decel_exclusion_t *const exclusion = &exclusions[i];
        free &= strays(columns[exclusion->level], ACC_DECEL_CERTAIN_LOW, ACC_DECEL_CERTAIN_SPAN) |
                strays(columns[exclusion->column], exclusion->low, exclusion->span);
    }
    return free == 0U;
}

acc_decel_factors_t acc_decel_no_factors(void)
{
    static const float not_available = ACC_DECEL_NOT_AVAILABLE;
    acc_decel_factors_t factors;

    fill(&factors, not_available);
    return factors;
}

acc_decel_status_t acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    acc_decel_status_t status = ACC_DECEL_REFUSED;

    if ((factors != NULL) && (prediction != NULL)) {
        float columns[ACC_DECEL_COLUMN_COUNT];
        uint32_t available;

        columns_of(factors, columns);
        status = acceptance(columns, &available);
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            float outputs[ACC_DECEL_OUTPUT_COUNT];
            const bool excluded = is_excluded(columns);
            const bool unfamiliar = acc_decel_network(columns, available, outputs);

            put_in_order(outputs);
            write_outputs(outputs, prediction);
            if (excluded || unfamiliar) {
                status |= ACC_DECEL_OUTSIDE_DOMAIN;
            }
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

uint32_t acc_decel_crc(uint32_t crc, const acc_decel_stretch_t stretches[], uint32_t count)
{
    uint32_t inverse = ~crc;

    for (uint32_t i = 0U; i < count; i++) {
        const uint8_t *const bytes = stretches[i].bytes;
        for (uint32_t at = 0U; at < stretches[i].count; at++) {
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
    return acc_decel_crc(0U, guard_stretches, ACC_DECEL_GUARD_STRETCHES);
}
