/* Virtual ECU on the host: answers many events in one call, so that Python calls once and not once for each event. */

#include "acc_decel.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif

EXPORTED uint32_t acc_decel_host_columns(void);
EXPORTED void acc_decel_host_batch(size_t rows, const float *columns, float *outputs, int64_t *status);

/* Does not compile if the struct has padding. */
typedef char no_padding_t[(sizeof(acc_decel_factors_t) == (ACC_DECEL_COLUMN_COUNT * sizeof(float))) ? 1 : -1];

uint32_t acc_decel_host_columns(void)
{
    return ACC_DECEL_COLUMN_COUNT;
}

/* columns: rows x columns; outputs: rows x outputs, unchanged if the event is refused; status: rows */
void acc_decel_host_batch(size_t rows, const float *columns, float *outputs, int64_t *status)
{
    for (size_t row = 0U; row < rows; row++) {
        acc_decel_factors_t factors;
        acc_decel_prediction_t prediction;
        float *const output = &outputs[row * (sizeof(prediction) / sizeof(float))];

        (void)memcpy(&factors, &columns[row * ACC_DECEL_COLUMN_COUNT], sizeof(factors));
        (void)memcpy(&prediction, output, sizeof(prediction));
        status[row] = (int64_t)acc_decel_predict(&factors, &prediction);
        (void)memcpy(output, &prediction, sizeof(prediction));
    }
}
