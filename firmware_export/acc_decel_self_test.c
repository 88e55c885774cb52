/* The self-test: are the tables as exported, and does this core answer as the reference does? */

#include "acc_decel.h"

#include "acc_decel_network.h"
#include "golden_vectors.h"

#include <stdbool.h>
#include <stdint.h>

/* False for NaN. */
static bool is_near(float value, float expected)
{
    const float difference = value - expected;
    return (difference <= ACC_DECEL_GOLDEN_TOLERANCE) && (difference >= -ACC_DECEL_GOLDEN_TOLERANCE);
}

static acc_decel_self_test_t replay(uint32_t event)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;
    acc_decel_prediction_t prediction;
    const acc_decel_status_t status = acc_decel_predict(&acc_decel_golden_factors[event], &prediction);

    if (status != acc_decel_golden_status[event]) {
        result = ACC_DECEL_SELF_TEST_WRONG_STATUS;
    } else if ((status & ACC_DECEL_REFUSED) == 0U) {
        float outputs[ACC_DECEL_OUTPUT_COUNT];

        acc_decel_golden_outputs_of(&prediction, outputs);
        for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
            if (!is_near(outputs[i], acc_decel_golden_outputs[event][i])) {
                result = ACC_DECEL_SELF_TEST_WRONG_ANSWER;
            }
        }
    } else {
        /* refused, as expected */
    }
    return result;
}

acc_decel_self_test_t acc_decel_self_test(void)
{
    acc_decel_self_test_t result = ACC_DECEL_SELF_TEST_PASSED;

    if ((acc_decel_guard_checksum() != ACC_DECEL_GUARD_CHECKSUM) ||
        (acc_decel_network_checksum() != ACC_DECEL_NETWORK_CHECKSUM)) {
        result = ACC_DECEL_SELF_TEST_TABLES_ALTERED;
    }
    for (uint32_t event = 0U; (event < ACC_DECEL_GOLDEN_COUNT) && (result == ACC_DECEL_SELF_TEST_PASSED); event++) {
        result = replay(event);
    }
    return result;
}
