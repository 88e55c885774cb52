/* $stamp
 *
 * The predictor for a C Caller block: flat structs of floats and unsigned integers, no 64-bit integer and no NaN. The
 * block needs this header and acc_decel_simulink.c, which compiles the whole firmware; acc_decel_add_block.m adds both to a
 * model.
 *
 * `known` says which factors are known now: bit i is factor i, see ACC_DECEL_SIMULINK_KNOWN_... The value of an unknown
 * factor is not read. Never give a default value instead: the answer is about all values that the factor may have.
 */
#ifndef ACC_DECEL_SIMULINK_H
#define ACC_DECEL_SIMULINK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACC_DECEL_SIMULINK_SCHEMA "$schema"

/* Bits of `known`. A factor of several fields is known with all of them. */
$known

typedef struct {
$factors
} acc_decel_simulink_factors_t;

/* All zeros where refused is 1, but for the masks. */
typedef struct {
$answer
} acc_decel_simulink_answer_t;

/* The answer to the factors that are known. It keeps no state. */
void acc_decel_simulink(const acc_decel_simulink_factors_t *factors, uint32_t known,
                        acc_decel_simulink_answer_t *answer);

/* What acc_decel_self_test() found: 0 passed; 4 this build gives other bits than the tested one; else a fault. It takes
 * as long as a hundred answers: call it once, before the first answer is used. */
uint8_t acc_decel_simulink_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
