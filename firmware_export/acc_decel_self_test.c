/* The self-test: are the tables as exported, and does this core answer as the reference does, bit by bit? */

#include "acc_decel.h"

#include "acc_decel_network.h"
#include "golden_vectors.h"

#ifndef ACC_DECEL_NO_CORRECTION
#include "acc_decel_correction.h"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The worse of two results; of two faults, the first. Other bits are not a fault. */
static acc_decel_self_test_t worse(acc_decel_self_test_t first, acc_decel_self_test_t second)
{
    const bool other_bits = (first == ACC_DECEL_SELF_TEST_OTHER_BITS) && (second != ACC_DECEL_SELF_TEST_PASSED);
    return ((first == ACC_DECEL_SELF_TEST_PASSED) || other_bits) ? second : first;
}

/* Compares the bits of two floats, then their values; NaN is always wrong. */
static acc_decel_self_test_t number(uint32_t bits, uint32_t expected_bits)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;

    if (bits != expected_bits) {
        acc_decel_word_t word;
        acc_decel_word_t expected;
        float difference;

        word.bits = bits;
        expected.bits = expected_bits;
        difference = word.value - expected.value;
        result = ((difference <= ACC_DECEL_GOLDEN_TOLERANCE) && (difference >= -ACC_DECEL_GOLDEN_TOLERANCE))
                     ? ACC_DECEL_SELF_TEST_OTHER_BITS
                     : ACC_DECEL_SELF_TEST_WRONG_ANSWER;
    }
    return result;
}

static acc_decel_self_test_t outputs(const acc_decel_golden_outputs_t *answer,
                                     const acc_decel_golden_outputs_t *expected)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;

    for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
        result = worse(result, number(answer->words[i], expected->words[i]));
    }
    return result;
}

static acc_decel_self_test_t passed_if(bool right)
{
    return right ? ACC_DECEL_SELF_TEST_PASSED : ACC_DECEL_SELF_TEST_WRONG_STATUS;
}

/* True if this bit of the status is 1; a factor that does not exist has no bit. */
static bool has_bit(acc_decel_status_t status, uint32_t shift, uint32_t factor)
{
    const uint32_t place = shift + factor;
    return (factor < ACC_DECEL_FACTOR_COUNT) && (((status >> place) & 1U) != 0U);
}

/* True if acc_decel_out_of_range() and acc_decel_not_available() say what is in the status. */
static bool is_read(acc_decel_status_t status)
{
    bool right = true;

    for (uint32_t i = 0U; i <= ACC_DECEL_FACTOR_COUNT; i++) {
        const bool outside = has_bit(status, ACC_DECEL_OUT_OF_RANGE_SHIFT, i);
        const bool missing = has_bit(status, ACC_DECEL_NOT_AVAILABLE_SHIFT, i);

        if ((acc_decel_out_of_range(status, i) != outside) || (acc_decel_not_available(status, i) != missing)) {
            right = false;
        }
    }
    return right;
}

/* Predicts one event. If it is refused, the outputs must stay zero. */
static acc_decel_self_test_t replay(uint32_t event)
{
    acc_decel_golden_outputs_t answer;
    acc_decel_status_t status;

    answer = acc_decel_golden_none[0];
    status = acc_decel_predict(&acc_decel_golden_factors[event].factors, &answer.prediction);
    return worse(passed_if((status == acc_decel_golden_status[event]) && is_read(status)),
                 outputs(&answer, &acc_decel_golden_outputs[event]));
}

static acc_decel_self_test_t replay_no_factors(void)
{
    const acc_decel_factors_t factors = acc_decel_no_factors();
    acc_decel_prediction_t prediction;
    const acc_decel_status_t status = acc_decel_predict(&factors, &prediction);
    const bool no_factors = acc_decel_predict(NULL, &prediction) == ACC_DECEL_REFUSED;
    const bool no_prediction = acc_decel_predict(&factors, NULL) == ACC_DECEL_REFUSED;

    return passed_if((status == ACC_DECEL_GOLDEN_NO_FACTORS) && is_read(~status) && no_factors && no_prediction);
}

static acc_decel_self_test_t replay_distance(const acc_decel_golden_distance_t *golden)
{
    acc_decel_word_t distance;

    distance.value = acc_decel_stopping_distance(golden->speed, golden->deceleration, golden->delay);
    return number(distance.bits, golden->distance_bits);
}

#ifndef ACC_DECEL_NO_CORRECTION
/* Corrects the expected answer of an event. A correction that is not accepted makes the answer refused. */
static acc_decel_self_test_t replay_correction(uint32_t row)
{
    const acc_decel_golden_correction_t *const golden = &acc_decel_golden_corrections[row];
    const acc_decel_correction_t correction = {golden->scale, golden->bias, golden->lower_offset};
    const acc_decel_golden_outputs_t *const model = &acc_decel_golden_outputs[golden->event];
    const acc_decel_status_t before = acc_decel_golden_status[golden->event];
    const acc_decel_status_t expected = acc_decel_golden_corrected_status[row];
    const bool accepted = ((before ^ expected) & ACC_DECEL_REFUSED) == 0U;
    acc_decel_golden_outputs_t answer;
    acc_decel_status_t status;

    answer = acc_decel_golden_none[0];
    status = acc_decel_corrected(before, &model->prediction, &correction, &answer.prediction);
    return worse(passed_if((status == expected) && (acc_decel_correction_accepted(&correction) == accepted)),
                 outputs(&answer, &acc_decel_golden_corrected[row]));
}

static acc_decel_self_test_t replay_no_correction(void)
{
    static const acc_decel_correction_t correction = {1.0F, 0.0F, 0.0F};
    const acc_decel_prediction_t *const model = &acc_decel_golden_none[0].prediction;
    acc_decel_prediction_t answer;
    const bool no_model = acc_decel_corrected(0U, NULL, &correction, &answer) == ACC_DECEL_REFUSED;
    const bool no_correction = acc_decel_corrected(0U, model, NULL, &answer) == ACC_DECEL_REFUSED;
    const bool no_answer = acc_decel_corrected(0U, model, &correction, NULL) == ACC_DECEL_REFUSED;

    return passed_if(no_model && no_correction && no_answer && !acc_decel_correction_accepted(NULL));
}
#endif

static acc_decel_self_test_t replay_all(void)
{
    acc_decel_self_test_t result = replay_no_factors();

    for (uint32_t event = 0U; event < ACC_DECEL_GOLDEN_COUNT; event++) {
        result = worse(result, replay(event));
    }
    for (uint32_t row = 0U; row < ACC_DECEL_GOLDEN_DISTANCE_COUNT; row++) {
        result = worse(result, replay_distance(&acc_decel_golden_distances[row]));
    }
#ifndef ACC_DECEL_NO_CORRECTION
    for (uint32_t row = 0U; row < ACC_DECEL_GOLDEN_CORRECTION_COUNT; row++) {
        result = worse(result, replay_correction(row));
    }
    result = worse(result, replay_no_correction());
#endif
    return result;
}

acc_decel_self_test_t acc_decel_self_test(void)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_TABLES_ALTERED;

    if ((acc_decel_guard_checksum() == ACC_DECEL_GUARD_CHECKSUM) &&
        (acc_decel_network_checksum() == ACC_DECEL_NETWORK_CHECKSUM) &&
        (acc_decel_crc(0U, golden_ranges, ACC_DECEL_GOLDEN_RANGE_COUNT) == ACC_DECEL_GOLDEN_CHECKSUM)) {
        result = replay_all();
    }
    return result;
}
