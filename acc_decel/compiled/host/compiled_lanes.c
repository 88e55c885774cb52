/* The network for many events at a time, an event in each lane of the processor's vectors.
 *
 * Every sum begins with the bias and takes the inputs in their order, multiplication and addition apart, as the firmware
 * does: a lane gets the bits that the firmware gives for its event. */

#include "compiled_network.h"

#include "acc_decel_compiled_tables.h"

#define HEIGHT 4U /* outputs of a block: sums that do not wait for each other */

typedef float lanes_t __attribute__((vector_size(LANES * sizeof(float))));

/* A vector as an array: loops over it become vector instructions, loops over lanes[i] do not. */
static float *each(lanes_t *lanes)
{
    return (float *)lanes;
}

/* Turns rows of columns into lanes; lanes without a row repeat the last one. */
static void read_columns(size_t rows, const float *columns, lanes_t values[ACC_DECEL_COLUMN_COUNT])
{
    for (size_t lane = 0U; lane < LANES; lane++) {
        const size_t row = (lane < rows) ? lane : (rows - 1U);
        for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
            each(&values[i])[lane] = columns[(row * ACC_DECEL_COLUMN_COUNT) + i];
        }
    }
}

/* 0 where the factor is not available, as in the middle of its values. */
static void enter_one(const entry_t *entry, lanes_t *value, lanes_t *entered)
{
    const float *const seen = each(value);
    float *const x = each(entered);

    if (entry->bend > 0.0F) {
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            const float bent = seen[lane] / (seen[lane] + entry->bend);
            x[lane] = (seen[lane] == seen[lane]) ? bent : entry->center;
        }
    } else {
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            x[lane] = (seen[lane] == seen[lane]) ? seen[lane] : entry->center;
        }
    }
    *entered = (*entered - entry->center) * entry->inverse_spread;
}

/* Forced columns, free columns, gated columns times (1 - gate), availability. */
static void enter(lanes_t values[ACC_DECEL_COLUMN_COUNT], lanes_t x[ACC_DECEL_LANES_WIDEST])
{
    uint32_t next = ACC_DECEL_LANES_ENTRIES - ACC_DECEL_LANES_GATED;

    for (uint32_t i = 0U; i < ACC_DECEL_LANES_ENTRIES; i++) {
        enter_one(&entries[i], &values[entries[i].column], &x[i]);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_GATED; i++) {
        x[next] *= 1.0F - values[gate_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_MASKED; i++) {
        const float *const seen = each(&values[masked_columns[i]]);
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            each(&x[next])[lane] = (seen[lane] == seen[lane]) ? 1.0F : 0.0F;
        }
        next++;
    }
}

static void clamp(lanes_t *lanes, float low, float high)
{
    float *const y = each(lanes);

    for (uint32_t lane = 0U; lane < LANES; lane++) {
        const float raised = (y[lane] < low) ? low : y[lane];
        y[lane] = (raised > high) ? high : raised;
    }
}

/* One block of a layer; returns where the next one begins. */
static const float *block_output(const float *block, uint32_t inputs, const lanes_t x[], lanes_t y[HEIGHT])
{
    const lanes_t zero = {0.0F};
    const float *row = &block[HEIGHT];
    lanes_t a = zero + block[0];
    lanes_t b = zero + block[1];
    lanes_t c = zero + block[2];
    lanes_t d = zero + block[3];

    for (uint32_t input = 0U; input < inputs; input++) {
        const lanes_t value = x[input];
        a += row[0] * value;
        b += row[1] * value;
        c += row[2] * value;
        d += row[3] * value;
        row = &row[HEIGHT];
    }
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
    for (uint32_t i = 0U; i < HEIGHT; i++) {
        clamp(&y[i], row[i], row[HEIGHT + i]);
    }
    return &row[2U * HEIGHT];
}

static const float *layer_output(const layer_t *layer, const float *from, const lanes_t x[], lanes_t y[])
{
    const float *block = from;

    for (uint32_t i = 0U; i < layer->blocks; i++) {
        block = block_output(block, layer->inputs, x, &y[i * HEIGHT]);
    }
    return block;
}

void compiled_lanes_network(size_t rows, const float *columns, float outputs[LANES][ACC_DECEL_OUTPUT_COUNT])
{
    lanes_t values[ACC_DECEL_COLUMN_COUNT];
    lanes_t buffers[2][ACC_DECEL_LANES_WIDEST];
    const float *next = weights;
    uint32_t at = 0U; /* the buffer that holds the input of the next layer */

    read_columns(rows, columns, values);
    enter(values, buffers[0]);
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_EMBEDDING; i++) {
        next = layer_output(&layers[i], next, &buffers[at][ACC_DECEL_LANES_FORCED],
                            &buffers[1U - at][ACC_DECEL_LANES_FORCED]);
        at = 1U - at;
    }
    for (uint32_t i = 0U; (i < ACC_DECEL_LANES_FORCED) && (at == 1U); i++) {
        buffers[1][i] = buffers[0][i]; /* the trunk sees the forced columns, then the output of the embedding */
    }
    for (uint32_t i = ACC_DECEL_LANES_EMBEDDING; i < ACC_DECEL_LANES_LAYERS; i++) {
        next = layer_output(&layers[i], next, buffers[at], buffers[1U - at]);
        at = 1U - at;
    }
    for (size_t lane = 0U; lane < LANES; lane++) {
        for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
            outputs[lane][i] = each(&buffers[at][i])[lane];
        }
    }
}
