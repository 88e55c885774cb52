/* The network in fixed point: only the outputs are floating point. Weights and scales are in
 * acc_decel_network_tables.h, the loops of the layers are in acc_decel_fixed_layers.c.
 *
 * Between layers a value is a 16-bit integer. Sums are unsigned and modulo 2^32, which C defines; the export proves
 * that every sum fits a signed 32-bit integer, for all possible inputs. C does not define how a negative number is
 * shifted to the right: an offset makes such numbers unsigned first. */

#include "acc_decel_network.h"

#include "acc_decel_fixed_domain.h"
#include "acc_decel_fixed_layers.h"
#include "acc_decel_network_tables.h"

#include <stdbool.h>
#include <stdint.h>

#define MANTISSA_BITS 23U
#define EXPONENT_MASK 0xFFU
#define PLACES 149U /* exponent of 1 (127) plus bits of a mantissa (23), minus one */
#define SIGN 0x80000000U
#define SIGN_BIT 31U
#define FARTHEST 24U /* a mantissa shifted right by so many bits, and one more, is 0 */
#define BITS_OF_RATIO 16U
#define BITS_OF_GATE 14U
#define HALF_A_GATE 8192U  /* half of 2^14 */
#define GATE_MIDDLE 131072 /* 2^31 shifted right by the bits of a gate */
#define OPEN 16384         /* factor of a gate of 0, which changes nothing: 2^14 */
#define HALF 32768         /* difference of the unsigned and the signed form of a value */
#define STEPS 0xFFFFU      /* from the minimum of a value to its maximum */

/* A float as an integer with a fraction, rounded to the nearest, halves away from 0. For a fraction of n bits, `places`
 * is PLACES - n; the magnitude must be below 2^(22 - n). NaN gives 0. */
static inline int32_t fixed_of(float value, uint32_t places)
{
    acc_decel_word_t word;
    uint32_t magnitude;
    uint32_t away; /* bits to shift right, minus one */
    uint32_t below;

    word.value = value;
    away = places - ((word.bits >> MANTISSA_BITS) & EXPONENT_MASK);
    away = (away > FARTHEST) ? FARTHEST : away;
    magnitude = ((((word.bits & 0x007FFFFFU) | 0x00800000U) >> away) + 1U) >> 1U;
    below = 0U - (word.bits >> SIGN_BIT); /* all ones if negative, else 0: -x is (x ^ ones) - ones */
    magnitude = (magnitude ^ below) - below;
    return (int32_t)magnitude;
}

/* All ones if a column is available, else 0. */
static inline uint32_t has(uint32_t available, uint32_t column)
{
    return 0U - ((available >> column) & 1U);
}

/* The first number if `mask` is all ones, the second if it is 0. */
static inline int32_t either(uint32_t mask, int32_t where, int32_t where_not)
{
    const uint32_t chosen = ((uint32_t)where & mask) | ((uint32_t)where_not & ~mask);
    return (int32_t)chosen;
}

/* One column on the scale of the network. The effect of a saturated factor is strongest near 0: the network gets
 * value / (value + half_saturation), computed as 1 - half_saturation / (value + half_saturation), because a constant
 * numerator gives a quotient of more bits. Takes the same time if the factor is available or not. */
static inline int16_t entered(const acc_decel_entry_t *entry, const float columns[ACC_DECEL_COLUMN_COUNT],
                              uint32_t available)
{
    uint32_t number = (uint32_t)fixed_of(columns[entry->column], entry->places);
    int32_t value;

    if (entry->half_saturation != 0U) {
        number = (entry->half_saturation << BITS_OF_RATIO) / (number + entry->half_saturation);
    }
    number = ((number * entry->multiplier) + entry->offset) >> entry->shift;
    value = (int32_t)number - HALF;
    return (int16_t)either(has(available, entry->column), value, entry->zero);
}

/* Layers read four values at a time. The values behind the last one have weights of 0. */
static void fill_up(acc_decel_pair_t x[], uint32_t count)
{
    for (uint32_t i = count; (i % 4U) != 0U; i++) {
        acc_decel_put(x, i, 0);
    }
}

/* Writes the inputs of the network: forced columns to `forced`; free columns, gated columns times (1 - gate) and
 * availability to x. */
static void enter(const float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available, acc_decel_pair_t x[],
                  int16_t forced[ACC_DECEL_FORCED_COUNT])
{
    uint32_t next = ACC_DECEL_ENTRY_COUNT - ACC_DECEL_FORCED_COUNT;

    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        forced[i] = entered(&entries[i], columns, available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_ENTRY_PAIRS; i++) { /* if the number is odd, one too many */
        const acc_decel_entry_t *const entry = &entries[ACC_DECEL_FORCED_COUNT + (2U * i)];
        x[i].one[0] = entered(&entry[0], columns, available);
        x[i].one[1] = entered(&entry[1], columns, available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        const uint32_t at = (next - ACC_DECEL_GATED_COUNT) + i;
        const int16_t zero = entries[ACC_DECEL_FORCED_COUNT + at].zero;
        const int32_t open = OPEN - fixed_of(columns[gate_columns[i]], PLACES - BITS_OF_GATE);
        const int32_t product = ((int32_t)acc_decel_got(x, at) - zero) * open;
        const uint32_t rounded = ((uint32_t)product + (SIGN + HALF_A_GATE)) >> BITS_OF_GATE;
        const int32_t value = ((int32_t)rounded - GATE_MIDDLE) + zero;
        acc_decel_put(x, at, (int16_t)value);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i++) {
        const uint32_t steps = STEPS & has(available, masked_columns[i]);
        const int32_t value = (int32_t)steps - HALF;
        acc_decel_put(x, next, (int16_t)value);
        next++;
    }
    fill_up(x, next);
}

/* An output as a float: a sum, cut to its limits, times 2^-bits. */
static float output_of(uint32_t sum, const acc_decel_output_t *output)
{
    const uint32_t raised = sum + SIGN; /* has the same order as the signed sum */
    const uint32_t cut = (raised < output->min) ? output->min : raised;
    const uint32_t both = (cut > output->max) ? output->max : cut;
    const bool negative = both < SIGN;
    const uint32_t above = both - SIGN; /* modulo 2^32 */
    const uint32_t below = SIGN - both;
    const uint32_t magnitude = negative ? below : above;
    acc_decel_word_t word;

    word.value = (float)magnitude * output->step;
    word.bits |= ~both & SIGN; /* the sign of a negative output, without a branch */
    return word.value;
}

bool acc_decel_network(float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    acc_decel_pair_t buffers[2][ACC_DECEL_WIDEST_PAIRS];
    int16_t forced[ACC_DECEL_FORCED_COUNT];
    uint32_t sums[ACC_DECEL_OUTPUT_ROOM];
    acc_decel_pair_t *const embedded = buffers[ACC_DECEL_EMBEDDING_LAYERS % 2U];
    acc_decel_pair_t *const other = buffers[(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];
    const acc_decel_pair_t *const last = buffers[((ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) + 1U) % 2U];
    const acc_decel_pair_t *next;
    bool unfamiliar;

    enter(columns, available, buffers[0], forced);
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) { /* for the score; the embedding has no weights there */
        acc_decel_put(buffers[0], ACC_DECEL_EMBEDDING_INPUTS + i, forced[i]);
    }
    unfamiliar = acc_decel_unfamiliar(buffers[0]);
    next = acc_decel_fixed_layers(embedding, ACC_DECEL_EMBEDDING_LAYERS, 0U, weights, buffers[0], buffers[1]);
    for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_PAIRS; i++) {
        other[i] = embedded[i]; /* every layer of the trunk reads them */
    }
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        acc_decel_put(&embedded[ACC_DECEL_EMBEDDED_PAIRS], i, forced[i]);
    }
    fill_up(&embedded[ACC_DECEL_EMBEDDED_PAIRS], ACC_DECEL_FORCED_COUNT);
    next = acc_decel_fixed_layers(trunk, ACC_DECEL_TRUNK_LAYERS - 1U, ACC_DECEL_EMBEDDED_PAIRS, next, embedded, other);
    (void)acc_decel_fixed_sums(&trunk[ACC_DECEL_TRUNK_LAYERS - 1U], next, last, sums);
    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        outputs[i] = output_of(sums[i], &output_steps[i]);
    }
    return unfamiliar;
}

uint32_t acc_decel_network_checksum(void)
{
    return acc_decel_domain_crc(acc_decel_crc(0U, network_ranges, ACC_DECEL_NETWORK_RANGE_COUNT));
}
