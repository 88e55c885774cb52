/* The network in float32: scaling, embedding, trunk. Weights and limits are in acc_decel_network_tables.h, the loops of
 * the layers in acc_decel_layers.c. */

#include "acc_decel_network.h"

#include "acc_decel_domain.h"
#include "acc_decel_layers.h"
#include "acc_decel_network_tables.h"

#include <stdbool.h>
#include <stdint.h>

#define BITS_OF_ONE 0x3F800000U /* of 1.0 */

static inline bool has(uint32_t available, uint32_t column)
{
    return ((available >> column) & 1U) != 0U;
}

/* 0 where the factor is not available, as in the middle of its values. */
static inline float scaled(const acc_decel_entry_t *entry, float value, uint32_t available)
{
    const float seen = has(available, entry->column) ? value : entry->center;
    return (seen - entry->center) * entry->inverse_spread;
}

/* 1 or 0, whether a column is available. */
static inline float one_or_none(uint32_t available, uint32_t column)
{
    acc_decel_word_t word;

    word.bits = (0U - ((available >> column) & 1U)) & BITS_OF_ONE;
    return word.value;
}

/* Writes what enters the network to x: forced columns, free columns, gated columns times (1 - gate), availability. The
 * embedding sees all but the forced columns. A factor with a bend matters most near 0: its column becomes value /
 * (value + bend). */
static void enter(float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available, float x[ACC_DECEL_WIDEST])
{
    uint32_t next = ACC_DECEL_ENTRY_COUNT - ACC_DECEL_GATED_COUNT;

    for (uint32_t i = 0U; i < ACC_DECEL_BENT_COUNT; i++) {
        float *const column = &columns[bent[i].column];
        const float value = *column;
        *column = value / (value + bent[i].bend);
    }
    for (uint32_t i = 0U; i < (ACC_DECEL_ENTRY_COUNT + 1U) / 2U; i++) { /* half of the last pair may be overwritten */
        const acc_decel_entry_t *const entry = &entries[2U * i];
        float *const pair = &x[2U * i];

        pair[0] = scaled(&entry[0], columns[entry[0].column], available);
        pair[1] = scaled(&entry[1], columns[entry[1].column], available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        x[next] *= 1.0F - columns[gate_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i += 2U) { /* of an odd number, one too many */
        x[next] = one_or_none(available, masked_columns[i]);
        x[next + 1U] = one_or_none(available, masked_columns[i + 1U]);
        next += 2U;
    }
}

static float limited(float sum, const acc_decel_cut_t *limits)
{
    const float above = (sum < limits->low) ? limits->low : sum;
    return (above > limits->high) ? limits->high : above;
}

bool acc_decel_network(float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    float entered[ACC_DECEL_WIDEST];
    float others[ACC_DECEL_WIDEST];
    float *const buffers[2] = {&entered[ACC_DECEL_FORCED_COUNT], others}; /* what the embedding leaves is forced */
    float *const embedded = buffers[ACC_DECEL_EMBEDDING_LAYERS % 2U];
    float *const other = buffers[(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];
    const float *const last = buffers[(ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) % 2U];
    const float *next;
    bool unfamiliar;

    enter(columns, available, entered);
    unfamiliar = acc_decel_unfamiliar(entered);
    next = acc_decel_layers(embedding, ACC_DECEL_EMBEDDING_LAYERS, 0U, weights, buffers[0],
                            buffers[1]);
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        embedded[ACC_DECEL_EMBEDDED_COUNT + i] = entered[i];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_COUNT; i += 4U) { /* every layer of the trunk sees them */
        other[i] = embedded[i];
        other[i + 1U] = embedded[i + 1U]; /* beyond them stands what is overwritten */
        other[i + 2U] = embedded[i + 2U];
        other[i + 3U] = embedded[i + 3U];
    }
    (void)acc_decel_layers(trunk, ACC_DECEL_TRUNK_LAYERS, ACC_DECEL_EMBEDDED_COUNT, next,
                           embedded, other);
    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        outputs[i] = limited(last[ACC_DECEL_EMBEDDED_COUNT + i], &output_limits[i]);
    }
    return unfamiliar;
}

uint32_t acc_decel_network_checksum(void)
{
    return acc_decel_domain_crc(acc_decel_crc(0U, network_stretches, ACC_DECEL_NETWORK_STRETCHES));
}
