/* The network in float32: features, scaling, embedding, trunk, head. Weights are in acc_decel_network_tables.h, the
 * loops of the layers are in acc_decel_layers.c. */

#include "acc_decel_network.h"

#include "acc_decel_constants.h"
#include "acc_decel_domain.h"
#include "acc_decel_features.h"
#include "acc_decel_head.h"
#include "acc_decel_layers.h"
#include "acc_decel_network_tables.h"

#include <stdbool.h>
#include <stdint.h>

#define BITS_OF_ONE 0x3F800000U /* of 1.0 */

static inline float scaled(const acc_decel_entry_t *entry, float value)
{
    return (value - entry->center) * entry->inverse_spread;
}

/* A column on the scale of the network; 0, the middle of the values, if the factor is not available. */
static inline float scaled_column(const acc_decel_entry_t *entry, const float values[], uint32_t available)
{
    return scaled(entry, acc_decel_has(available, entry->value) ? values[entry->value] : entry->center);
}

/* 1 if a column is available, else 0, without a branch. */
static inline float availability(uint32_t available, uint32_t column)
{
    acc_decel_word_t word;

    word.bits = acc_decel_mask(available, column) & BITS_OF_ONE;
    return word.value;
}

/* Writes the inputs of the network to x: forced inputs, free inputs, gated inputs times (1 - gate), availability. The
 * embedding gets all but the forced inputs. The effect of a saturated factor is strongest near 0: its column becomes
 * value / (value + half_saturation). */
static void enter(float values[ACC_DECEL_VALUE_COUNT], uint32_t available, float x[ACC_DECEL_WIDEST])
{
    uint32_t next = ACC_DECEL_FIRST_GATED;

    for (uint32_t i = 0U; i < ACC_DECEL_SATURATED_COUNT; i++) {
        float *const column = &values[saturated[i].value];
        const float value = *column;
        *column = value / (value + saturated[i].half_saturation);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_ENTRY_COUNT; i += 2U) {
        const acc_decel_entry_t *const entry = &column_entries[i];

        x[entry[0].input] = scaled_column(&entry[0], values, available);
        x[entry[1].input] = scaled_column(&entry[1], values, available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_FEATURE_ENTRY_COUNT; i += 2U) {
        const acc_decel_entry_t *const entry = &feature_entries[i];

        x[entry[0].input] = scaled(&entry[0], values[entry[0].value]);
        x[entry[1].input] = scaled(&entry[1], values[entry[1].value]);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        x[next] *= 1.0F - values[gate_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i += 2U) { /* if the number is odd, one too many */
        x[next] = availability(available, masked_columns[i]);
        x[next + 1U] = availability(available, masked_columns[i + 1U]);
        next += 2U;
    }
}

bool acc_decel_network(float values[ACC_DECEL_VALUE_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    float entered[ACC_DECEL_WIDEST];
    float others[ACC_DECEL_WIDEST];
    float *const buffers[2] = {&entered[ACC_DECEL_FORCED_COUNT], others}; /* the embedding gets no forced input */
    float *const embedded = buffers[ACC_DECEL_EMBEDDING_LAYERS % 2U];
    float *const other = buffers[(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];
    const float *const last = buffers[(ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) % 2U];
    const float *next;
    bool unfamiliar;

    acc_decel_features(values, available);
    enter(values, available, entered);
    unfamiliar = acc_decel_unfamiliar(entered);
    next = acc_decel_layers(embedding, ACC_DECEL_EMBEDDING_LAYERS, 0U, weights, buffers[0], buffers[1]);
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        embedded[ACC_DECEL_EMBEDDED_COUNT + i] = entered[i];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_COUNT; i += 4U) { /* every layer of the trunk reads them */
        other[i] = embedded[i];
        other[i + 1U] = embedded[i + 1U]; /* up to three values too many, which the trunk overwrites */
        other[i + 2U] = embedded[i + 2U];
        other[i + 3U] = embedded[i + 3U];
    }
    (void)acc_decel_layers(trunk, ACC_DECEL_TRUNK_LAYERS, ACC_DECEL_EMBEDDED_COUNT, next, embedded, other);
    acc_decel_head(&last[ACC_DECEL_EMBEDDED_COUNT], values, available, outputs);
    return unfamiliar;
}

uint32_t acc_decel_network_checksum(void)
{
    uint32_t crc = acc_decel_constants_crc(0U);

    crc = acc_decel_crc(crc, network_ranges, ACC_DECEL_NETWORK_RANGE_COUNT);
    return acc_decel_domain_crc(acc_decel_head_crc(crc));
}
