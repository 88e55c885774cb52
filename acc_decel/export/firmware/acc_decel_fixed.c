/* The network in fixed point: only the physics features before it and the head behind it are floating point. Weights
 * and scales are in acc_decel_network_tables.h, the loops of the layers are in acc_decel_fixed_layers.c.
 *
 * Between layers a value is a 16-bit integer. Sums are unsigned and modulo 2^32, which C defines; the export proves
 * that every sum fits a signed 32-bit integer, for all possible inputs. C does not define how a negative number is
 * shifted to the right: an offset makes such numbers unsigned first. */

#include "acc_decel_network.h"

#include "acc_decel_constants.h"
#include "acc_decel_features.h"
#include "acc_decel_fixed_domain.h"
#include "acc_decel_fixed_layers.h"
#include "acc_decel_head.h"
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

/* The first number if `mask` is all ones, the second if it is 0. */
static inline int32_t either_integer(uint32_t mask, int32_t where, int32_t where_not)
{
    const uint32_t chosen = ((uint32_t)where & mask) | ((uint32_t)where_not & ~mask);
    return (int32_t)chosen;
}

/* One column or feature on the scale of the network. The effect of a saturated factor is strongest near 0: the network
 * gets value / (value + half_saturation), computed as 1 - half_saturation / (value + half_saturation), because a
 * constant numerator gives a quotient of more bits. Takes the same time if the factor is available or not. */
static inline int16_t entered(const acc_decel_entry_t *entry, const float values[ACC_DECEL_VALUE_COUNT],
                              uint32_t available)
{
    uint32_t number = (uint32_t)fixed_of(values[entry->value], entry->places);
    int32_t value;

    if (entry->half_saturation != 0U) {
        number = (entry->half_saturation << BITS_OF_RATIO) / (number + entry->half_saturation);
    }
    number = ((number * entry->multiplier) + entry->offset) >> entry->shift;
    value = (int32_t)number - HALF;
    return (int16_t)either_integer(acc_decel_mask(available, entry->column), value, entry->zero);
}

/* Layers read four values at a time. The values behind the last one have weights of 0. */
static void fill_up(acc_decel_pair_t x[], uint32_t count)
{
    for (uint32_t i = count; (i % 4U) != 0U; i++) {
        acc_decel_put(x, i, 0);
    }
}

/* Writes the inputs of the network: forced inputs to `forced`; free inputs, gated inputs times (1 - gate) and
 * availability to x. */
static void enter(const float values[ACC_DECEL_VALUE_COUNT], uint32_t available, acc_decel_pair_t x[],
                  int16_t forced[ACC_DECEL_FORCED_COUNT])
{
    uint32_t next = ACC_DECEL_ENTRY_COUNT - ACC_DECEL_FORCED_COUNT;

    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        forced[i] = entered(&entries[i], values, available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_ENTRY_PAIRS; i++) { /* if the number is odd, one too many */
        const acc_decel_entry_t *const entry = &entries[ACC_DECEL_FORCED_COUNT + (2U * i)];
        x[i].one[0] = entered(&entry[0], values, available);
        x[i].one[1] = entered(&entry[1], values, available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        const uint32_t at = (next - ACC_DECEL_GATED_COUNT) + i;
        const int16_t zero = entries[ACC_DECEL_FORCED_COUNT + at].zero;
        const int32_t open = OPEN - fixed_of(values[gate_columns[i]], PLACES - BITS_OF_GATE);
        const int32_t product = ((int32_t)acc_decel_got(x, at) - zero) * open;
        const uint32_t rounded = ((uint32_t)product + (SIGN + HALF_A_GATE)) >> BITS_OF_GATE;
        const int32_t value = ((int32_t)rounded - GATE_MIDDLE) + zero;
        acc_decel_put(x, at, (int16_t)value);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i++) {
        const uint32_t steps = STEPS & acc_decel_mask(available, masked_columns[i]);
        const int32_t value = (int32_t)steps - HALF;
        acc_decel_put(x, next, (int16_t)value);
        next++;
    }
    fill_up(x, next);
}

/* A sum of the last layer as a float, in its unit: without a branch, so that its sign costs no time. */
static inline float unscaled(uint32_t sum, float step)
{
    const uint32_t below = 0U - (sum >> SIGN_BIT); /* all ones if negative, else 0 */
    const uint32_t magnitude = (sum ^ below) - below;
    acc_decel_word_t word;

    word.value = (float)magnitude * step;
    word.bits |= sum & SIGN;
    return word.value;
}

bool acc_decel_network(float values[ACC_DECEL_VALUE_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    float last_sums[ACC_DECEL_SUM_COUNT];
    acc_decel_pair_t buffers[2][ACC_DECEL_WIDEST_PAIRS];
    int16_t forced[ACC_DECEL_FORCED_COUNT];
    uint32_t sums[ACC_DECEL_SUM_ROOM];
    acc_decel_pair_t *const embedded = buffers[ACC_DECEL_EMBEDDING_LAYERS % 2U];
    acc_decel_pair_t *const other = buffers[(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];
    const acc_decel_pair_t *const last = buffers[((ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) + 1U) % 2U];
    const acc_decel_pair_t *next;
    bool unfamiliar;

    acc_decel_features(values, available);
    enter(values, available, buffers[0], forced);
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
    for (uint32_t i = 0U; i < ACC_DECEL_SUM_COUNT; i++) {
        last_sums[i] = unscaled(sums[i], sum_steps[i]);
    }
    acc_decel_head(last_sums, values, available, outputs);
    return unfamiliar;
}

uint32_t acc_decel_network_checksum(void)
{
    uint32_t crc = acc_decel_constants_crc(0U);

    crc = acc_decel_crc(crc, network_ranges, ACC_DECEL_NETWORK_RANGE_COUNT);
    return acc_decel_domain_crc(acc_decel_head_crc(crc));
}
