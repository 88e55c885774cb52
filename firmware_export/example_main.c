/* Example of a project that uses the firmware: the self-test, one event, and the answers to the golden vectors,
 * printed as in golden_vectors.csv. Not part of the firmware: copy what helps. README.md says how to run it. */

#include "acc_decel.h"
#include "golden_vectors.h"

#include <stdio.h>

static acc_decel_status_t answer(const acc_decel_factors_t *factors)
{
    acc_decel_golden_outputs_t outputs;
    const acc_decel_status_t status = acc_decel_predict(factors, &outputs.prediction);

    if ((status & ACC_DECEL_REFUSED) == 0U) {
        for (uint32_t i = 0U; i < ACC_DECEL_OUTPUT_COUNT; i++) {
            (void)printf("%.9g,", (double)outputs.values[i]); /* nine digits identify every float */
        }
    }
    (void)printf("%llu\n", (unsigned long long)status);
    return status;
}

/* The result of the self-test if it did not pass, 5 if the example's own event is refused. */
int main(void)
{
    acc_decel_factors_t factors = acc_decel_no_factors(); /* nothing is known yet */
    int failed = (int)acc_decel_self_test();

    if (failed == (int)ACC_DECEL_SELF_TEST_OTHER_BITS) {
        (void)printf("this build gives other bits: compile with -ffp-contract=off\n");
    }
    if (failed == 0) {
        factors.speed = 33.3F;
        factors.brake_pressure_bar = 160.0F;
        factors.abs = 1.0F; /* every other factor is unknown: the interval is wide */
        failed = ((answer(&factors) & ACC_DECEL_REFUSED) != 0U) ? 5 : 0;
    }
    for (uint32_t i = 0U; (i < ACC_DECEL_GOLDEN_COUNT) && (failed == 0); i++) {
        (void)answer(&acc_decel_golden_factors[i].factors);
    }
    return failed;
}
