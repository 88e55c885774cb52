/* The predictor on a CAN bus: received frames in, answering frames out, one call every 10 ms. Classic CAN with standard
 * identifiers, frames of 8 bytes, each protected by E2E profile 1 of AUTOSAR (CRC-8 SAE J1850, counter 0 to 14, the
 * identifier as data id in both bytes). acc_decel.dbc describes every signal.
 *
 * Use: keep one state for as long as the ECU runs. Hand over each frame that the controller receives, then call the
 * task every 10 ms and send what it writes:
 *
 *     static acc_decel_can_t can;                                           (at the start of the ECU)
 *     acc_decel_can_start(&can);
 *
 *     acc_decel_can_receive(&can, &frame);                                  (for each received frame)
 *
 *     count = acc_decel_can_task(&can, frames);                             (every 10 ms)
 *     for (i = 0U; i < count; i++) { send(&frames[i]); }
 *
 * A frame of another length, with a wrong CRC or a wrong counter is not used. The values of the last good frame of a
 * message are held until its maximum age, five cycles; then its factors are not available, and the answer is about all
 * values that they may have. The message decel_status says both: what was found of each received
 * message, and which factors the answer lacked. A signal whose raw code is all ones (SNA) or one less (error) is not
 * available. A value out of range is not clipped: the prediction is refused, and the status names the factor.
 *
 * Nothing here is thread-safe: receive and task are called from one task, or with the same lock. Beside the state there
 * is no static data, and no heap. No pointer may be NULL. Compile it with the same options as the other files.
 */
#ifndef ACC_DECEL_CAN_H
#define ACC_DECEL_CAN_H

#include "acc_decel.h"
#include "acc_decel_can_layout.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A frame of the bus. Of a received one shorter than 8 bytes the rest of data is not used. */
typedef struct {
    uint32_t id; /* 11 bits */
    uint32_t length;
    uint8_t data[ACC_DECEL_CAN_LENGTH];
} acc_decel_can_frame_t;

/* What was found of a received message: the last fault since decel_status told it, else whether its values are used. */
typedef enum {
    ACC_DECEL_CAN_OK = 0,
    ACC_DECEL_CAN_NEVER_RECEIVED = 1,
    ACC_DECEL_CAN_TOO_OLD = 2,
    ACC_DECEL_CAN_WRONG_LENGTH = 3,
    ACC_DECEL_CAN_WRONG_CRC = 4,
    ACC_DECEL_CAN_WRONG_COUNTER = 5 /* the same as before, a jump of more than two lost frames, or 15 */
} acc_decel_can_input_state_t;

/* One received message. Times are in ticks of 10 ms. */
typedef struct {
    uint64_t word;    /* the bits of the last good frame */
    uint16_t age;     /* since then */
    uint16_t silence; /* since any frame with its identifier */
    uint8_t counter;  /* the last one */
    uint8_t fault;    /* an acc_decel_can_input_state_t; of the last bad frame, until it is told */
} acc_decel_can_input_t;

/* The state of the task. It may be read for measurement, and is written by the functions below only. */
typedef struct {
    acc_decel_can_input_t inputs[ACC_DECEL_CAN_INPUT_COUNT];
    acc_decel_status_t status; /* of the last prediction */
    uint32_t tick;             /* calls of the task */
    uint8_t counters[ACC_DECEL_CAN_OUTPUT_COUNT];
    uint8_t self_test; /* an acc_decel_self_test_t: unless it passed, every answer is refused */
} acc_decel_can_t;

/* Runs the self-test and forgets every frame. Takes as long as about a hundred predictions. */
void acc_decel_can_start(acc_decel_can_t *can);

/* Takes a received frame; one with an identifier of another ECU changes nothing. */
void acc_decel_can_receive(acc_decel_can_t *can, const acc_decel_can_frame_t *frame);

/* The factors as received by now. Probabilities of a choice that do not add up to 1 only because each was rounded to
 * its step are divided by their sum. */
acc_decel_factors_t acc_decel_can_factors(const acc_decel_can_t *can);

/* What was found of the received message with this index. */
acc_decel_can_input_state_t acc_decel_can_input_state(const acc_decel_can_t *can, uint32_t input);

/* Predicts, writes the frames that are due to frames[0], frames[1], ... and returns how many. Call it every 10 ms. */
uint32_t acc_decel_can_task(acc_decel_can_t *can, acc_decel_can_frame_t frames[ACC_DECEL_CAN_OUTPUT_COUNT]);

#ifdef __cplusplus
}
#endif

#endif
