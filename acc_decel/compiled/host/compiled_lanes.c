/* The network for many events at a time, an event in each lane of the processor's vectors.
 *
 * Every sum starts with the bias and adds the inputs in their order, with separate multiplications and additions, as
 * the firmware does: a lane gets the bits that the firmware gives for its event. */

#include "compiled_network.h"

#include "acc_decel_compiled_tables.h"
#include "acc_decel_domain.h"

/* Features and head are the firmware's own code, as part of loops over the lanes. */
#define IN_LOOPS static inline __attribute__((always_inline))
#define acc_decel_features features_of_lane
#define acc_decel_head head_of_lane
#define acc_decel_head_crc unused_head_crc
#define acc_decel_constants constants_of_lane
#define acc_decel_constants_crc unused_constants_crc
IN_LOOPS void features_of_lane(float values[ACC_DECEL_VALUE_COUNT], uint32_t available);
IN_LOOPS void head_of_lane(const float sums[ACC_DECEL_SUM_COUNT], const float values[ACC_DECEL_VALUE_COUNT],
                           uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT]);
#include "acc_decel_constants.c"
#include "acc_decel_features.c"
#define smaller smaller_in_head
#define larger larger_in_head
#define known_or_0 known_or_0_in_head
#include "acc_decel_head.c"

#define HEIGHT 4U /* outputs of a block: sums that do not depend on each other */

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

/* Bit i is 1 if column i is available. */
static inline uint32_t availability(lanes_t values[ACC_DECEL_VALUE_COUNT], uint32_t lane)
{
    uint32_t available = 0U;

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        const float value = each(&values[i])[lane];
        available |= ((value == value) ? 1U : 0U) << i;
    }
    return available;
}

/* Writes the features behind the columns. */
static void write_features(lanes_t values[ACC_DECEL_VALUE_COUNT], const uint32_t available[LANES])
{
    for (uint32_t lane = 0U; lane < LANES; lane++) {
        float row[ACC_DECEL_VALUE_COUNT];

        for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
            row[i] = each(&values[i])[lane];
        }
        features_of_lane(row, available[lane]);
        for (uint32_t i = ACC_DECEL_COLUMN_COUNT; i < ACC_DECEL_VALUE_COUNT; i++) {
            each(&values[i])[lane] = row[i];
        }
    }
}

/* The outputs of the sums of the last layer. */
static void write_outputs(lanes_t sums[ACC_DECEL_SUM_COUNT], lanes_t values[ACC_DECEL_VALUE_COUNT],
                          const uint32_t available[LANES], float outputs[LANES][ACC_DECEL_OUTPUT_COUNT])
{
    for (uint32_t lane = 0U; lane < LANES; lane++) {
        float row[ACC_DECEL_VALUE_COUNT];
        float last[ACC_DECEL_SUM_COUNT];

        for (uint32_t i = 0U; i < ACC_DECEL_VALUE_COUNT; i++) {
            row[i] = each(&values[i])[lane];
        }
        for (uint32_t i = 0U; i < ACC_DECEL_SUM_COUNT; i++) {
            last[i] = each(&sums[i])[lane];
        }
        head_of_lane(last, row, available[lane], outputs[lane]);
    }
}

/* A column or a feature on the scale of the network; 0, the middle of its values, where it is not available. */
static void enter_one(const entry_t *entry, lanes_t *value, lanes_t *entered)
{
    const float *const input = each(value);
    float *const x = each(entered);

    if (entry->half_saturation > 0.0F) {
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            const float saturated = input[lane] / (input[lane] + entry->half_saturation);
            x[lane] = (input[lane] == input[lane]) ? saturated : entry->center;
        }
    } else {
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            x[lane] = (input[lane] == input[lane]) ? input[lane] : entry->center;
        }
    }
    *entered = (*entered - entry->center) * entry->inverse_spread;
}

/* Forced inputs, free inputs, gated inputs times (1 - gate), availability. */
static void enter(lanes_t values[ACC_DECEL_VALUE_COUNT], lanes_t x[ACC_DECEL_LANES_WIDEST])
{
    uint32_t next = ACC_DECEL_LANES_ENTRIES - ACC_DECEL_LANES_GATED;

    for (uint32_t i = 0U; i < ACC_DECEL_LANES_ENTRIES; i++) {
        enter_one(&entries[i], &values[entries[i].value], &x[i]);
    }
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_GATED; i++) {
        x[next] *= 1.0F - values[gate_columns[i]];
        next++;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_MASKED; i++) {
        const float *const input = each(&values[masked_columns[i]]);
        for (uint32_t lane = 0U; lane < LANES; lane++) {
            each(&x[next])[lane] = (input[lane] == input[lane]) ? 1.0F : 0.0F;
        }
        next++;
    }
}

/* The smooth rectifier, on the scales of training: 0 below 0, sum^2 / 2 up to 1, sum - 1/2 above. */
static void rectify(lanes_t *lanes)
{
    float *const y = each(lanes);

    for (uint32_t lane = 0U; lane < LANES; lane++) {
        const float above = (y[lane] > 0.0F) ? y[lane] : 0.0F;
        const float ramp = (above < 1.0F) ? above : 1.0F;
        y[lane] = (above - ramp) + ((ramp * 0.5F) * ramp);
    }
}

/* Adds the weighted inputs to the sums of one block; returns where the next weights start. */
static const float *add(const float *weight, uint32_t inputs, const lanes_t x[], lanes_t sums[HEIGHT])
{
    const float *row = weight;
    lanes_t a = sums[0];
    lanes_t b = sums[1];
    lanes_t c = sums[2];
    lanes_t d = sums[3];

    for (uint32_t input = 0U; input < inputs; input++) {
        const lanes_t value = x[input];
        a += row[0] * value;
        b += row[1] * value;
        c += row[2] * value;
        d += row[3] * value;
        row = &row[HEIGHT];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return row;
}

/* The sums of a layer, whose inputs are `shared_count` values of `shared`, then those of x; returns where the next
 * layer starts. */
static const float *layer_sums(const layer_t *layer, const float *first_weight, const lanes_t shared[],
                               uint32_t shared_count, const lanes_t x[], lanes_t y[])
{
    const lanes_t zero = {0.0F};
    const float *next = first_weight;

    for (uint32_t block = 0U; block < layer->blocks; block++) {
        lanes_t *const sums = &y[block * HEIGHT];
        for (uint32_t i = 0U; i < HEIGHT; i++) {
            sums[i] = zero + next[i];
        }
        next = add(&next[HEIGHT], shared_count, shared, sums);
        next = add(next, layer->inputs - shared_count, x, sums);
    }
    return next;
}

/* The same for `count` layers, each followed by the rectifier; the outputs of the last one are in *x. */
static const float *layers_output(const layer_t some[], uint32_t count, const float *first_weight,
                                  const lanes_t shared[], uint32_t shared_count, lanes_t **x, lanes_t **y)
{
    const float *next = first_weight;

    for (uint32_t i = 0U; i < count; i++) {
        lanes_t *const read = *x;
        next = layer_sums(&some[i], next, shared, shared_count, read, *y);
        for (uint32_t output = 0U; output < (HEIGHT * some[i].blocks); output++) {
            rectify(&(*y)[output]);
        }
        *x = *y;
        *y = read;
    }
    return next;
}

/* The score of the domain is the firmware's own, event by event. */
static void judge(size_t rows, lanes_t x[ACC_DECEL_LANES_ENTERED], bool unfamiliar[LANES])
{
    for (size_t row = 0U; row < rows; row++) {
        float entered[ACC_DECEL_LANES_ENTERED];

        for (uint32_t i = 0U; i < ACC_DECEL_LANES_ENTERED; i++) {
            entered[i] = each(&x[i])[row];
        }
        unfamiliar[row] = acc_decel_unfamiliar(entered);
    }
}

void compiled_lanes_network(size_t rows, const float *columns, float outputs[LANES][ACC_DECEL_OUTPUT_COUNT],
                            bool unfamiliar[LANES])
{
    lanes_t values[ACC_DECEL_VALUE_COUNT];
    uint32_t available[LANES];
    lanes_t entered[ACC_DECEL_LANES_WIDEST];
    lanes_t forced[ACC_DECEL_LANES_WIDEST];
    lanes_t embedded[ACC_DECEL_LANES_WIDEST];
    lanes_t other[ACC_DECEL_LANES_WIDEST];
    lanes_t *x = &entered[ACC_DECEL_LANES_FORCED];
    lanes_t *y = other;
    const float *next = weights;

    read_columns(rows, columns, values);
    for (uint32_t lane = 0U; lane < LANES; lane++) {
        available[lane] = availability(values, lane);
    }
    write_features(values, available);
    enter(values, entered);
    judge(rows, entered, unfamiliar);
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_FORCED; i++) {
        forced[i] = entered[i];
    }
    next = layers_output(layers, ACC_DECEL_LANES_EMBEDDING, next, x, 0U, &x, &y);
    for (uint32_t i = 0U; i < ACC_DECEL_LANES_EMBEDDED; i++) {
        embedded[i] = x[i];
    }
    x = forced;
    y = other;
    next = layers_output(&layers[ACC_DECEL_LANES_EMBEDDING], ACC_DECEL_LANES_TRUNK - 1U, next, embedded,
                         ACC_DECEL_LANES_EMBEDDED, &x, &y);
    (void)layer_sums(&layers[(ACC_DECEL_LANES_EMBEDDING + ACC_DECEL_LANES_TRUNK) - 1U], next, embedded,
                     ACC_DECEL_LANES_EMBEDDED, x, y);
    write_outputs(y, values, available, outputs);
}
