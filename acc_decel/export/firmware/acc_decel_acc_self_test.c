/* The self-test of the ACC unit: does this core answer as the reference does, bit by bit? */

#include "acc_decel_acc.h"

#include "acc_decel_acc_golden.h"
#include "acc_decel_word.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The worse of two results; of two faults, the first. Other bits are not a fault. */
static acc_decel_self_test_t worse(acc_decel_self_test_t first, acc_decel_self_test_t second)
{
    const bool other_bits = (first == ACC_DECEL_SELF_TEST_OTHER_BITS) && (second != ACC_DECEL_SELF_TEST_PASSED);
    return ((first == ACC_DECEL_SELF_TEST_PASSED) || other_bits) ? second : first;
}

/* Compares the bits of two floats, then their values. NaN is right in place of NaN only. */
static acc_decel_self_test_t number(float value, uint32_t expected_bits)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;
    acc_decel_word_t word;
    acc_decel_word_t expected;

    word.value = value;
    expected.bits = expected_bits;
    if ((word.bits != expected_bits) && !((value != value) && (expected.value != expected.value))) {
        const float difference = value - expected.value;
        result = ((difference <= ACC_DECEL_ACC_GOLDEN_TOLERANCE) && (difference >= -ACC_DECEL_ACC_GOLDEN_TOLERANCE))
                     ? ACC_DECEL_SELF_TEST_OTHER_BITS
                     : ACC_DECEL_SELF_TEST_WRONG_ANSWER;
    }
    return result;
}

static acc_decel_self_test_t passed_if(bool right)
{
    return right ? ACC_DECEL_SELF_TEST_PASSED : ACC_DECEL_SELF_TEST_WRONG_STATUS;
}

/* All answers of one state. Those that are refused must stay unchanged. */
static acc_decel_self_test_t replay(uint32_t row)
{
    const acc_decel_acc_golden_state_t *const golden = &acc_golden_states[row];
    const acc_decel_acc_t *const acc = &golden->state.acc;
    const float unchanged = ACC_DECEL_ACC_GOLDEN_UNCHANGED;
    float answers[ACC_DECEL_ACC_GOLDEN_ANSWERS] = {unchanged, unchanged, unchanged, unchanged,
                                                   unchanged, unchanged, unchanged};
    acc_decel_acc_warning_t warning = {unchanged, false};
    acc_decel_acc_status_t status[ACC_DECEL_ACC_GOLDEN_STATUS];
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;

    status[0] = acc_decel_acc_safe_gap(acc, &answers[0]);
    status[1] = acc_decel_acc_time_gap(acc, &answers[1]);
    status[2] = acc_decel_acc_required_deceleration(acc, golden->state.wait, &answers[2]);
    status[3] = acc_decel_acc_latest_braking_distance(acc, &answers[3]);
    status[4] = acc_decel_acc_warning(acc, &warning);
    answers[4] = warning.distance;
    if (status[4] == 0U) {
        answers[5] = warning.is_due ? 1.0F : 0.0F;
    }
    answers[6] = acc_decel_acc_lead_upper(acc->deceleration, golden->state.reserve);
    for (uint32_t i = 0U; i < ACC_DECEL_ACC_GOLDEN_STATUS; i++) {
        result = worse(result, passed_if(status[i] == acc_golden_status[row].words[i]));
    }
    for (uint32_t i = 0U; i < ACC_DECEL_ACC_GOLDEN_ANSWERS; i++) {
        result = worse(result, number(answers[i], acc_golden_answers[row].words[i]));
    }
    return result;
}

/* What is not available is refused, and so is a NULL pointer. */
static acc_decel_self_test_t replay_none(void)
{
    const acc_decel_acc_t none = acc_decel_acc_none();
    float answer = 0.0F;
    const bool no_gap = acc_decel_acc_safe_gap(&none, &answer) != 0U;
    const bool no_state = acc_decel_acc_safe_gap(NULL, &answer) == ACC_DECEL_ACC_NO_POINTER;
    const bool no_answer = acc_decel_acc_safe_gap(&none, NULL) == ACC_DECEL_ACC_NO_POINTER;

    return worse(passed_if(no_gap && no_state && no_answer), number(answer, 0U));
}

acc_decel_self_test_t acc_decel_acc_self_test(void)
{
    acc_decel_self_test_t result = replay_none();

    for (uint32_t row = 0U; row < ACC_DECEL_ACC_GOLDEN_COUNT; row++) {
        result = worse(result, replay(row));
    }
    return result;
}
