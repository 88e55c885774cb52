/* $stamp
 *
 * The predictor as a software component of AUTOSAR Classic. What the RTE does not deliver with RTE_E_OK (invalid, too
 * old, never received, not connected) is not available; no default value and no NaN crosses a port. Rte_$component.h and
 * ${component}_MemMap.h come from the project's RTE generator.
 */
#include "Rte_$component.h"

#include "acc_decel.h"
#include "acc_decel_correction.h"

#define ${component}_START_SEC_VAR_INIT_BOOLEAN
#include "${component}_MemMap.h"
static boolean trusted = FALSE; /* whether the self-test passed */
#define ${component}_STOP_SEC_VAR_INIT_BOOLEAN
#include "${component}_MemMap.h"

#define ${component}_START_SEC_CODE
#include "${component}_MemMap.h"

/* 1 if the RTE delivered a value, else 0. */
static uint8 delivered(Std_ReturnType result)
{
    return (result == RTE_E_OK) ? 1U : 0U;
}

$readers

static acc_decel_factors_t delivered_factors(void)
{
    acc_decel_factors_t factors = acc_decel_no_factors();

$reads
    return factors;
}

static acc_decel_status_t corrected(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    const acc_decel_correction_t correction = {$parameters};
    const acc_decel_status_t status = acc_decel_predict(factors, prediction);

    return acc_decel_corrected(status, prediction, &correction, prediction);
}

FUNC(void, ${component}_CODE) ${component}_Init(void)
{
    trusted = (acc_decel_self_test() == ACC_DECEL_SELF_TEST_PASSED) ? TRUE : FALSE;
}

/* Every 10 ms. If the answer is refused, the ports keep the one before, and Refused says so. */
FUNC(void, ${component}_CODE) ${component}_Main(void)
{
    const acc_decel_factors_t factors = delivered_factors();
    acc_decel_prediction_t prediction;
    acc_decel_status_t status = ACC_DECEL_REFUSED;

    if (trusted != FALSE) {
        status = corrected(&factors, &prediction);
    }
    if ((status & ACC_DECEL_REFUSED) == 0U) {
$outputs
    }
$flags
}

#define ${component}_STOP_SEC_CODE
#include "${component}_MemMap.h"
