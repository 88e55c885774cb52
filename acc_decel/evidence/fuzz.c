/* Fuzzing of the firmware with libFuzzer: random bytes are the factors and a correction, and every answer must keep the
 * promises of the headers. A broken promise ends the process, and so does a finding of a sanitizer. fuzzing.py compiles
 * this file; the macros FUZZ_... are what depends on the factors and the network. */

#include "acc_decel.h"
#include "acc_decel_correction.h"
#include "golden_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE_BIT_EACH ((UINT64_C(1) << ACC_DECEL_FACTOR_COUNT) - 1U)
#define OUT_OF_RANGE (ONE_BIT_EACH << ACC_DECEL_OUT_OF_RANGE_SHIFT)
#define NOT_AVAILABLE (ONE_BIT_EACH << ACC_DECEL_NOT_AVAILABLE_SHIFT)
#define OTHER_BITS (~(OUT_OF_RANGE | NOT_AVAILABLE))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* columns: the ranges, and those that must be available */
static const float lowest[ACC_DECEL_COLUMN_COUNT] = FUZZ_LOWEST;
static const float highest[ACC_DECEL_COLUMN_COUNT] = FUZZ_HIGHEST;
static const uint32_t required[] = FUZZ_REQUIRED;

/* outputs: the envelope, and the quantiles in ascending order */
static const float output_min[ACC_DECEL_OUTPUT_COUNT] = FUZZ_OUTPUT_MIN;
static const float output_max[ACC_DECEL_OUTPUT_COUNT] = FUZZ_OUTPUT_MAX;
static const uint32_t ascending[] = FUZZ_ASCENDING;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *promise)
{
    if (!holds) {
        (void)fprintf(stderr, "BROKEN: %s\n", promise);
        abort();
    }
}

/* Neither infinite nor NaN, and between the ends. */
static bool is_between(float value, float low, float high)
{
    return (value >= low) && (value <= high);
}

static void check_status(acc_decel_status_t status)
{
    const uint64_t outside = (status & OUT_OF_RANGE) >> ACC_DECEL_OUT_OF_RANGE_SHIFT;
    const uint64_t missing = (status & NOT_AVAILABLE) >> ACC_DECEL_NOT_AVAILABLE_SHIFT;

    must((status & OTHER_BITS & ~FUZZ_FLAGS) == 0U, "a status has no bits but those of factors and flags");
    must((outside & missing) == 0U, "a factor that is not available is not out of range as well");
    must((outside == 0U) || ((status & ACC_DECEL_REFUSED) != 0U), "a factor out of range is refused");
    for (uint32_t i = 0U; i < (ACC_DECEL_FACTOR_COUNT + 2U); i++) {
        must(acc_decel_out_of_range(status, i) == (((outside >> i) & 1U) != 0U), "out_of_range reads the status");
        must(acc_decel_not_available(status, i) == (((missing >> i) & 1U) != 0U), "not_available reads the status");
    }
}

static void check_refused(acc_decel_status_t status, const acc_decel_prediction_t *is,
                          const acc_decel_prediction_t *before)
{
    must(memcmp(is, before, sizeof(*is)) == 0, "a refused call leaves the prediction unchanged");
    must((status & FUZZ_FLAGS) == ACC_DECEL_REFUSED, "a refused call sets no other flag");
    must((status & (OUT_OF_RANGE | NOT_AVAILABLE)) != 0U, "a refused call names a factor");
}

static void check_answer(acc_decel_status_t status, const float columns[ACC_DECEL_COLUMN_COUNT],
                         const acc_decel_prediction_t *prediction)
{
    acc_decel_golden_outputs_t answer;
    const bool comfortable = prediction->deceleration_lower >= ACC_DECEL_COMFORT_DECELERATION;
    const float distance = acc_decel_stopping_distance(columns[0], prediction->deceleration, prediction->delay);

    for (uint32_t i = 0U; i < COUNT(required); i++) {
        must(columns[required[i]] == columns[required[i]], "a factor that must be available and is NaN is refused");
    }
    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        must((columns[i] != columns[i]) || is_between(columns[i], lowest[i], highest[i]), "out of range is refused");
    }
    answer.prediction = *prediction;
    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        must(is_between(answer.values[i], output_min[i], output_max[i]), "outputs are finite and inside the envelope");
    }
    for (uint32_t i = 1U; i < COUNT(ascending); i++) {
        must(answer.values[ascending[i - 1U]] <= answer.values[ascending[i]], "quantiles ascend");
    }
    must(((status & ACC_DECEL_BELOW_COMFORT) == 0U) == comfortable,
         "BELOW_COMFORT is right for the lower deceleration");
    must(distance == distance, "a stopping distance is a number or infinite");
}

/* What does not depend on the flags BELOW_COMFORT and CORRECTION_LIMITED. */
static acc_decel_status_t others(acc_decel_status_t status)
{
    return status & ~(ACC_DECEL_BELOW_COMFORT | ACC_DECEL_CORRECTION_LIMITED);
}

static void check_accepted(const acc_decel_correction_t *correction)
{
    const bool within = is_between(correction->scale, ACC_DECEL_LEAST_SCALE, ACC_DECEL_GREATEST_SCALE) &&
                        is_between(correction->bias, -ACC_DECEL_GREATEST_BIAS, ACC_DECEL_GREATEST_BIAS) &&
                        is_between(correction->lower_offset, -ACC_DECEL_GREATEST_BIAS, ACC_DECEL_GREATEST_BIAS);

    must(acc_decel_correction_accepted(correction) == within, "a correction is accepted within its limits");
}

static void check_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                            const acc_decel_correction_t *correction)
{
    const float highest_lower = (prediction->deceleration_lower > ACC_DECEL_LEAST_DECELERATION)
                                    ? prediction->deceleration_lower
                                    : ACC_DECEL_LEAST_DECELERATION;
    acc_decel_golden_outputs_t answer;
    acc_decel_golden_outputs_t before;
    acc_decel_status_t corrected;
    bool at_limit = false;

    (void)memset(&before, 0xA5, sizeof(before));
    answer = before;
    corrected = acc_decel_corrected(status, prediction, correction, &answer.prediction);
    check_accepted(correction);
    if (((status & ACC_DECEL_REFUSED) != 0U) || !acc_decel_correction_accepted(correction)) {
        must(corrected == (status | ACC_DECEL_REFUSED), "a correction that is not accepted is refused");
        must(memcmp(&answer, &before, sizeof(answer)) == 0, "a refused correction leaves the answer unchanged");
    } else {
        must(others(corrected) == others(status), "a correction keeps the status");
        must(((corrected & ACC_DECEL_BELOW_COMFORT) == 0U) ==
                 (answer.prediction.deceleration_lower >= ACC_DECEL_COMFORT_DECELERATION),
             "BELOW_COMFORT is right for the corrected lower deceleration");
        must(answer.prediction.delay == prediction->delay, "a correction keeps the delay");
        for (uint32_t i = 0U; i < COUNT(ascending); i++) {
            const float value = answer.values[ascending[i]];
            must(is_between(value, ACC_DECEL_LEAST_DECELERATION, ACC_DECEL_GREATEST_DECELERATION),
                 "a corrected deceleration is one that a car can reach");
            must((i == 0U) || (answer.values[ascending[(i == 0U) ? 0U : (i - 1U)]] <= value),
                 "corrected quantiles ascend");
            at_limit =
                at_limit || (value == ACC_DECEL_LEAST_DECELERATION) || (value == ACC_DECEL_GREATEST_DECELERATION);
        }
        must(((corrected & ACC_DECEL_CORRECTION_LIMITED) == 0U) || at_limit, "CORRECTION_LIMITED is about a limit");
        must((correction->lower_offset < 0.0F) || (answer.prediction.deceleration_lower <= highest_lower),
             "scale and bias never raise a lower bound");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acc_decel_factors_t factors = acc_decel_no_factors();
    acc_decel_correction_t correction = {1.0F, 0.0F, 0.0F};
    float columns[ACC_DECEL_COLUMN_COUNT];
    acc_decel_prediction_t before;
    acc_decel_prediction_t prediction;
    acc_decel_status_t status;

    if (size > 0U) { /* factors after the last byte are not available */
        (void)memcpy(&factors, data, (size < sizeof(factors)) ? size : sizeof(factors));
    }
    if (size >= (sizeof(factors) + sizeof(correction))) {
        (void)memcpy(&correction, &data[sizeof(factors)], sizeof(correction));
    }
    (void)memcpy(columns, &factors, sizeof(columns));
    (void)memset(&before, 0xA5, sizeof(before));
    prediction = before;
    status = acc_decel_predict(&factors, &prediction);
    check_status(status);
    if ((status & ACC_DECEL_REFUSED) != 0U) {
        check_refused(status, &prediction, &before);
    } else {
        must((status & ACC_DECEL_CORRECTION_LIMITED) == 0U, "a prediction is not corrected");
        check_answer(status, columns, &prediction);
    }
    check_corrected(status, &prediction, &correction);
    return 0;
}
