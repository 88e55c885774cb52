/* $stamp
 *
 * The predictor as one file to compile. Simulink compiles with options of its own, of which -ffp-contract=off is none:
 * the pragma and those of acc_decel_word.h keep the bits of the firmware with GCC, Clang and MSVC.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#endif

$includes

#include "acc_decel_simulink.h"

/* Copies the factors that are known; the others are not available. */
static acc_decel_factors_t known_factors(const acc_decel_simulink_factors_t *given, uint32_t known)
{
    acc_decel_factors_t factors = acc_decel_no_factors();

$known
    return factors;
}

void acc_decel_simulink(const acc_decel_simulink_factors_t *factors, uint32_t known,
                        acc_decel_simulink_answer_t *answer)
{
    static const acc_decel_simulink_answer_t nothing;
    const acc_decel_factors_t given = known_factors(factors, known);
    acc_decel_prediction_t prediction;
    const acc_decel_status_t status = acc_decel_predict(&given, &prediction);

    *answer = nothing;
$status
    if ((status & ACC_DECEL_REFUSED) == 0U) {
$outputs
    }
}

uint8_t acc_decel_simulink_self_test(void)
{
    return (uint8_t)acc_decel_self_test();
}
