/* The firmware for a browser: factors, answers and status lie in memory that the page writes and reads. */

#include "acc_decel.h"

#include <stdint.h>

#define ROWS 256U
#define EXPORT(name) __attribute__((export_name(#name)))

/* The only static data: a page has one thread. */
static acc_decel_factors_t page_factors[ROWS];
static acc_decel_prediction_t page_predictions[ROWS];
static acc_decel_status_t page_statuses[ROWS];

EXPORT(factors) acc_decel_factors_t *get_factors(void)
{
    return page_factors;
}

EXPORT(predictions) acc_decel_prediction_t *get_predictions(void)
{
    return page_predictions;
}

EXPORT(statuses) acc_decel_status_t *get_statuses(void)
{
    return page_statuses;
}

EXPORT(rows) uint32_t get_rows(void)
{
    return ROWS;
}

EXPORT(columns) uint32_t get_columns(void)
{
    return ACC_DECEL_COLUMN_COUNT;
}

EXPORT(outputs) uint32_t get_outputs(void)
{
    return ACC_DECEL_OUTPUT_COUNT;
}

EXPORT(self_test) uint32_t get_self_test(void)
{
    return (uint32_t)acc_decel_self_test();
}

EXPORT(stopping_distance) float get_stopping_distance(float speed, float deceleration, float delay)
{
    return acc_decel_stopping_distance(speed, deceleration, delay);
}

/* Predicts the first `rows` events. The prediction of a refused one stays as it was. */
EXPORT(predict) void predict_rows(uint32_t rows)
{
    for (uint32_t i = 0U; (i < rows) && (i < ROWS); i++) {
        page_statuses[i] = acc_decel_predict(&page_factors[i], &page_predictions[i]);
    }
}
