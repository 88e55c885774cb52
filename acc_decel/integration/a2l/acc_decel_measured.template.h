/* $stamp
 *
 * For a calibration tool (CANape, INCA): the correction of this car as numbers to set, and factors, answer and status as
 * values to watch. Optional: without a calibration tool, call acc_decel_predict() and acc_decel_corrected().
 *
 * Use: call acc_decel_predict_measured() from one task, where acc_decel_predict() was called; compile this file's .c
 * with -g; then let a2ltool write the addresses of the linked program into the A2L file of the same export:
 *
 *     a2ltool template.a2l -e ecu.elf --update ADDRESSES --update-mode STRICT --check -o acc_decel.a2l
 *
 * The calibration lies in a section of its own, .acc_decel_calibration, which the linker script may place where the
 * tool can write: define ACC_DECEL_CALIBRATION_SECTION for another section or compiler. Weights, ranges and limits are
 * no calibration: golden vectors, checksums and proofs would no longer hold.
 */
#ifndef ACC_DECEL_MEASURED_H
#define ACC_DECEL_MEASURED_H

#include "acc_decel.h"
#include "acc_decel_correction.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(ACC_DECEL_CALIBRATION_SECTION)
#if defined(__GNUC__)
#define ACC_DECEL_CALIBRATION_SECTION __attribute__((section(".acc_decel_calibration"), used))
#else
#define ACC_DECEL_CALIBRATION_SECTION
#endif
#endif

/* What the tool watches: the last call of acc_decel_predict_measured(). */
typedef struct {
    acc_decel_factors_t factors;       /* as given; NaN where not available */
    acc_decel_prediction_t model;      /* before the correction; the one before if refused */
    acc_decel_prediction_t prediction; /* after it; the one before if refused */
    acc_decel_status_t status;         /* as returned; the following fields are its parts */
$members
} acc_decel_measured_t;

/* What the tool sets: {1.0F, 0.0F, 0.0F} changes nothing. Values beyond the limits of acc_decel_correction.h refuse
 * every answer. */
extern volatile const acc_decel_correction_t acc_decel_calibration;
extern acc_decel_measured_t acc_decel_measured;

/* acc_decel_predict() and acc_decel_corrected() with the calibration: writes the corrected prediction unless the
 * returned status says ACC_DECEL_REFUSED, and a copy of everything to acc_decel_measured. Not for several tasks. */
acc_decel_status_t acc_decel_predict_measured(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);

/* Internal: the parts of a status. */
static inline void acc_decel_measure_status(acc_decel_measured_t *measured, acc_decel_status_t status)
{
    measured->status = status;
$assignments
}

#ifdef __cplusplus
}
#endif

#endif
