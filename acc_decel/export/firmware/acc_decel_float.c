/* The network in float32: scaling, embedding, trunk. Weights and limits are in acc_decel_network_tables.h, the loops of
 * the layers in acc_decel_layers.c. */

#include "acc_decel_network.h"

#include "acc_decel_domain.h"
#include "acc_decel_layers.h"
#include "acc_decel_network_tables.h"

#include <stdbool.h>
#include <stdint.h>

static bool has(uint32_t available, uint32_t column)
{
    return ((available >> column) & 1U) != 0U;
}

/* 0 where the factor is not available, as in the middle of its values. */
static float scaled(const acc_decel_entry_t *entry, float value, uint32_t available)
{
    const float seen = has(available, entry->column) ? value : entry->center;
    return (seen - entry->center) * entry->inverse_spread;
}

/* Writes what enters the network to x: forced columns, free columns, gated columns times (1 - gate), availability. The
 * embedding sees all but the forced columns. */
static void enter(const float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available, float x[ACC_DECEL_WIDEST])
{
    uint32_t next = ACC_DECEL_ENTRY_COUNT - ACC_DECEL_GATED_COUNT;

    for (uint32_t i = 0U; i < ACC_DECEL_ENTRY_COUNT; i++) {
        x[i] = scaled(&entries[i], columns[entries[i].column], available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_BENT_COUNT; i++) {
        const acc_decel_entry_t *const entry = &entries[bent[i].entry];
        const float value = columns[entry->column];
        x[bent[i].entry] = scaled(entry, value / (value + bent[i].bend), available);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        x[next] *= 1.0F - columns[gate_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i++) {
        x[next] = has(available, masked_columns[i]) ? 1.0F : 0.0F;
        next++;
    }
}

static float limited(float sum, const acc_decel_cut_t *limits)
{
    const float above = (sum < limits->low) ? limits->low : sum;
    return (above > limits->high) ? limits->high : above;
}

bool acc_decel_network(const float columns[ACC_DECEL_COLUMN_COUNT], uint32_t available,
                       float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    float buffers[2][ACC_DECEL_WIDEST];
    float forced[ACC_DECEL_FORCED_COUNT];
    float *const embedded = buffers[ACC_DECEL_EMBEDDING_LAYERS % 2U];
    float *const other = buffers[(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];
    const float *const last = buffers[(ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) % 2U];
    const float *next;
    bool unfamiliar;

    enter(columns, available, buffers[0]);
    unfamiliar = acc_decel_unfamiliar(buffers[0]);
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        forced[i] = buffers[0][i];
    }
    next = acc_decel_layers(embedding, ACC_DECEL_EMBEDDING_LAYERS, ACC_DECEL_EMBEDDING_LAYERS, 0U, weights,
                            &buffers[0][ACC_DECEL_FORCED_COUNT], &buffers[1][ACC_DECEL_FORCED_COUNT]);
    for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_COUNT; i++) {
        const float value = embedded[ACC_DECEL_FORCED_COUNT + i];
        embedded[i] = value; /* every layer of the trunk sees it */
        other[i] = value;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        embedded[ACC_DECEL_EMBEDDED_COUNT + i] = forced[i];
    }
    (void)acc_decel_layers(trunk, ACC_DECEL_TRUNK_LAYERS, ACC_DECEL_TRUNK_LAYERS - 1U, ACC_DECEL_EMBEDDED_COUNT, next,
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
