/* The deceleration network in plain C: checks of the factors, scaling, layers, order of the quantiles.
 * The manual is acc_decel.h; weights and limits are in acc_decel_tables.h. */

#include "acc_decel.h"

#include "acc_decel_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const float infinite = 1.0F / 0.0F;

/* False for NaN, which compares false with everything. */
static bool is_within(float value, float low, float high)
{
    return (value >= low) && (value <= high);
}

/* False for NaN alone. */
static bool is_available(float value)
{
    return is_within(value, -infinite, infinite);
}

static float value_or_zero(float value)
{
    return is_available(value) ? value : 0.0F;
}

static acc_decel_status_t bit_of(uint32_t shift, uint32_t factor)
{
    const uint32_t place = shift + factor;
    return ((acc_decel_status_t)1U) << place;
}

/* Bits of one factor: out of range, not available, and refused where that rules out a prediction. */
static acc_decel_status_t factor_status(uint32_t factor, const float columns[ACC_DECEL_COLUMN_COUNT])
{
    const factor_rule_t *const rule = &factor_rules[factor];
    acc_decel_status_t status = 0U;
    bool lacking = true;
    bool inside = true;
    float sum = 0.0F;

    for (uint32_t i = 0U; i < rule->columns; i++) {
        const float value = columns[rule->first + i];
        lacking = lacking && (!is_available(value));
        inside = inside && is_within(value, rule->low, rule->high);
        sum += value;
    }
    if (rule->is_choice) {
        inside = inside && is_within(sum, ACC_DECEL_CHOICE_SUM_LOW, ACC_DECEL_CHOICE_SUM_HIGH);
    }

    if (lacking) {
        status = bit_of(ACC_DECEL_NOT_AVAILABLE_SHIFT, factor) | (rule->may_lack ? 0U : ACC_DECEL_REFUSED);
    } else if (!inside) {
        status = bit_of(ACC_DECEL_OUT_OF_RANGE_SHIFT, factor) | ACC_DECEL_REFUSED;
    } else {
        status = 0U;
    }
    return status;
}

static acc_decel_status_t acceptance(const float columns[ACC_DECEL_COLUMN_COUNT])
{
    acc_decel_status_t status = 0U;

    for (uint32_t factor = 0U; factor < ACC_DECEL_FACTOR_COUNT; factor++) {
        status |= factor_status(factor, columns);
    }
    return status;
}

/* A column that is not available compares false, and so excludes nothing. */
static acc_decel_status_t domain(const float columns[ACC_DECEL_COLUMN_COUNT])
{
    acc_decel_status_t status = 0U;

    for (uint32_t i = 0U; i < ACC_DECEL_EXCLUSION_COUNT; i++) {
        const exclusion_t *const exclusion = &exclusions[i];
        if ((columns[exclusion->level] > ACC_DECEL_CERTAIN) && (columns[exclusion->column] > exclusion->limit)) {
            status = ACC_DECEL_OUTSIDE_DOMAIN;
        }
    }
    return status;
}

/* A factor with a bend matters most near 0: the network sees value / (value + bend). */
static float bent(float value, float bend_at)
{
    return (bend_at > 0.0F) ? (value / (value + bend_at)) : value;
}

static void scale(const float columns[ACC_DECEL_COLUMN_COUNT], float scaled[ACC_DECEL_COLUMN_COUNT])
{
    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        scaled[i] = is_available(columns[i]) ? ((bent(columns[i], bend[i]) - center[i]) * inverse_spread[i]) : 0.0F;
    }
}

/* What the embedding sees: free columns, gated columns times (1 - gate), availability. */
static void embedding_input(const float columns[ACC_DECEL_COLUMN_COUNT], const float scaled[ACC_DECEL_COLUMN_COUNT],
                            float x[ACC_DECEL_WIDEST])
{
    uint32_t next = 0U;

    for (uint32_t i = 0U; i < ACC_DECEL_FREE_COUNT; i++) {
        x[next] = scaled[free_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_GATED_COUNT; i++) {
        x[next] = scaled[gated_columns[i]] * (1.0F - value_or_zero(columns[gate_columns[i]]));
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_MASKED_COUNT; i++) {
        x[next] = is_available(columns[masked_columns[i]]) ? 1.0F : 0.0F;
        next++;
    }
}

/* What the trunk sees: forced columns, then the output of the embedding. */
static void trunk_input(const float scaled[ACC_DECEL_COLUMN_COUNT], const float embedded[ACC_DECEL_WIDEST],
                        float x[ACC_DECEL_WIDEST])
{
    for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {
        x[i] = scaled[forced_columns[i]];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_COUNT; i++) {
        x[ACC_DECEL_FORCED_COUNT + i] = embedded[i];
    }
}

static float clamped(float value, float low, float high)
{
    const float raised = (value < low) ? low : value;
    return (raised > high) ? high : raised;
}

/* y = clamp(weights * x + bias, low, high), summed from the bias on in the order of the inputs. */
static void layer_output(const layer_t *layer, const float x[ACC_DECEL_WIDEST], float y[ACC_DECEL_WIDEST])
{
    for (uint32_t output = 0U; output < layer->outputs; output++) {
        const float *const row = &layer->weights[output * layer->inputs];
        float sum = layer->bias[output];
        for (uint32_t input = 0U; input < layer->inputs; input++) {
            sum += row[input] * x[input];
        }
        y[output] = clamped(sum, layer->low[output], layer->high[output]);
    }
}

/* Sends buffers[at] through the layers, from one buffer into the other. Returns which of the two holds the output. */
static uint32_t output_of(const layer_t layers[], uint32_t count, float buffers[2][ACC_DECEL_WIDEST], uint32_t at)
{
    uint32_t from = at;

    for (uint32_t i = 0U; i < count; i++) {
        const uint32_t to = 1U - from;
        layer_output(&layers[i], buffers[from], buffers[to]);
        from = to;
    }
    return from;
}

static void put_in_order(float *lower, float *upper)
{
    if (*upper < *lower) {
        const float greater = *lower;
        *lower = *upper;
        *upper = greater;
    }
}

static acc_decel_prediction_t network_output(const float columns[ACC_DECEL_COLUMN_COUNT])
{
    float scaled[ACC_DECEL_COLUMN_COUNT];
    float buffers[2][ACC_DECEL_WIDEST];
    acc_decel_prediction_t result;
    uint32_t at = 0U;

    scale(columns, scaled);
    embedding_input(columns, scaled, buffers[at]);
    at = output_of(embedding, ACC_DECEL_EMBEDDING_LAYERS, buffers, at);
    trunk_input(scaled, buffers[at], buffers[1U - at]);
    at = output_of(trunk, ACC_DECEL_TRUNK_LAYERS, buffers, 1U - at);

    result.deceleration_lower = buffers[at][0];
    result.deceleration = buffers[at][1];
    result.deceleration_upper = buffers[at][2];
    result.delay = buffers[at][3];
    put_in_order(&result.deceleration_lower, &result.deceleration);
    put_in_order(&result.deceleration, &result.deceleration_upper);
    put_in_order(&result.deceleration_lower, &result.deceleration);
    return result;
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

        columns_of(factors, columns);
        status = acceptance(columns);
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            *prediction = network_output(columns);
            status |= domain(columns);
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
