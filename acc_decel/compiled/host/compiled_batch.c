/* The library that Predictor calls: many events in one call. Checks and status are those of acc_decel.c, event by
 * event; the network is computed for LANES events at a time, before acc_decel.c asks for it. */

#include "acc_decel.h"
#include "acc_decel_network.h"
#include "compiled_network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FEW 8U /* fewer events than this are faster one by one than LANES at a time */

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif

EXPORTED uint32_t acc_decel_compiled_columns(void);
EXPORTED uint32_t acc_decel_compiled_outputs(void);
EXPORTED void acc_decel_compiled_answers(size_t rows, const float *columns, float *outputs, int64_t *status);
EXPORTED void acc_decel_compiled_few(int rows, const float *columns, float *outputs, int64_t *status);

/* Does not compile if the struct has padding. */
typedef char no_padding_t[(sizeof(acc_decel_factors_t) == (ACC_DECEL_COLUMN_COUNT * sizeof(float))) ? 1 : -1];

/* Outputs of the event that this thread asks about, if they are computed already, and whether it is unfamiliar. */
static _Thread_local const float *computed;
static _Thread_local bool computed_unfamiliar;

uint32_t acc_decel_compiled_columns(void)
{
    return ACC_DECEL_COLUMN_COUNT;
}

uint32_t acc_decel_compiled_outputs(void)
{
    return ACC_DECEL_OUTPUT_COUNT;
}

/* Called by acc_decel.c: first for the event itself, outside the trained domain also without some of its factors. */
bool acc_decel_network(float values[ACC_DECEL_VALUE_COUNT], uint32_t available, float outputs[ACC_DECEL_OUTPUT_COUNT])
{
    bool unfamiliar = computed_unfamiliar;

    if (computed != NULL) {
        (void)memcpy(outputs, computed, ACC_DECEL_OUTPUT_COUNT * sizeof(float));
        computed = NULL;
    } else {
        unfamiliar = compiled_row_network(values, available, outputs);
    }
    return unfamiliar;
}

/* Writes the outputs of one event, NaN if it is refused; returns its status. */
static int64_t answer(const float *columns, float *outputs)
{
    acc_decel_factors_t factors;
    acc_decel_prediction_t prediction;

    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        outputs[i] = ACC_DECEL_NOT_AVAILABLE;
    }
    (void)memcpy(&factors, columns, sizeof(factors));
    (void)memcpy(&prediction, outputs, ACC_DECEL_OUTPUT_COUNT * sizeof(float));
    const acc_decel_status_t status = acc_decel_predict(&factors, &prediction);
    (void)memcpy(outputs, &prediction, ACC_DECEL_OUTPUT_COUNT * sizeof(float));
    return (int64_t)status;
}

/* 1 to LANES events. */
static void answer_some(size_t rows, const float *columns, float *outputs, int64_t *status)
{
    float ready[LANES][ACC_DECEL_OUTPUT_COUNT];
    bool unfamiliar[LANES] = {false};
    const bool together = rows >= FEW;

    if (together) {
        compiled_lanes_network(rows, columns, ready, unfamiliar);
    }
    for (size_t row = 0U; row < rows; row++) {
        computed = together ? ready[row] : NULL;
        computed_unfamiliar = unfamiliar[row];
        status[row] = answer(&columns[row * ACC_DECEL_COLUMN_COUNT], &outputs[row * ACC_DECEL_OUTPUT_COUNT]);
        computed = NULL; /* of an event that was refused */
    }
}

/* columns: rows x columns; outputs: rows x outputs, NaN where the event is refused; status: rows */
void acc_decel_compiled_answers(size_t rows, const float *columns, float *outputs, int64_t *status)
{
    for (size_t row = 0U; row < rows; row += LANES) {
        const size_t left = rows - row;
        const size_t some = (left < LANES) ? left : LANES;
        answer_some(some, &columns[row * ACC_DECEL_COLUMN_COUNT], &outputs[row * ACC_DECEL_OUTPUT_COUNT], &status[row]);
    }
}

/* The same for callers that pass an int: 0 or more rows. */
void acc_decel_compiled_few(int rows, const float *columns, float *outputs, int64_t *status)
{
    acc_decel_compiled_answers((size_t)rows, columns, outputs, status);
}
