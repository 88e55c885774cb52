/* The task on the CAN bus: E2E and age of each message, raw codes to factors, prediction, answer to raw codes. The
 * manual is acc_decel_can.h; which bits are which signal is in acc_decel_can_tables.h. */

#include "acc_decel_can.h"

#include "acc_decel_can_tables.h"

#include <stdbool.h>
#include <stdint.h>

#define NEVER 0xFFFFU  /* an age: no frame yet */
#define OLDEST 0xFFFEU /* the greatest age that is counted */

#define COUNTER_MASK 0x0FU
#define CRC_POLYNOMIAL 0x1DU

/* CRC-8 SAE J1850 of one more byte. Profile 1 begins with 0 and inverts nothing. */
static uint8_t crc_of(uint8_t crc, uint8_t byte)
{
    uint32_t bits = (uint32_t)crc ^ byte;

    for (uint32_t i = 0U; i < 8U; i++) {
        bits = ((bits << 1U) ^ (((bits & 0x80U) != 0U) ? CRC_POLYNOMIAL : 0U)) & 0xFFU;
    }
    return (uint8_t)bits;
}

/* The checksum of a frame: over its data id, low byte first, and all bytes but the checksum itself. */
static uint8_t checksum(uint32_t id, const uint8_t data[ACC_DECEL_CAN_LENGTH])
{
    uint8_t crc = crc_of(crc_of(0U, (uint8_t)(id & 0xFFU)), (uint8_t)((id >> 8U) & 0xFFU));

    for (uint32_t i = 1U; i < ACC_DECEL_CAN_LENGTH; i++) {
        crc = crc_of(crc, data[i]);
    }
    return crc;
}

/* The bytes of a frame as one number, the first byte lowest. */
static uint64_t word_of(const uint8_t data[ACC_DECEL_CAN_LENGTH])
{
    uint64_t word = 0U;

    for (uint32_t i = ACC_DECEL_CAN_LENGTH; i > 0U; i--) {
        word = (word << 8U) | data[i - 1U];
    }
    return word;
}

/* The lowest `count` bits; all signals have at most 32. */
static uint64_t low_bits(uint32_t count)
{
    return (((uint64_t)1U) << count) - 1U;
}

static bool is_available(const acc_decel_can_t *can, uint32_t input)
{
    return can->inputs[input].age < received[input].used_ticks;
}

void acc_decel_can_start(acc_decel_can_t *can)
{
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_INPUT_COUNT; i++) {
        acc_decel_can_input_t *const input = &can->inputs[i];

        input->word = 0U;
        input->age = NEVER;
        input->silence = NEVER;
        input->counter = 0U;
        input->fault = (uint8_t)ACC_DECEL_CAN_OK;
    }
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_OUTPUT_COUNT; i++) {
        can->counters[i] = 0U;
    }
    can->status = ACC_DECEL_REFUSED;
    can->tick = 0U;
    can->self_test = (uint8_t)acc_decel_self_test();
}

/* Whether a counter follows the one before: one more, or a few more if so many frames were lost. After a silence longer
 * than the maximum age there is nothing to follow. */
static bool follows(const acc_decel_can_input_t *input, uint32_t counter, uint32_t used_ticks)
{
    const uint32_t step = ((counter + ACC_DECEL_CAN_COUNTERS) - input->counter) % ACC_DECEL_CAN_COUNTERS;
    return (input->silence >= used_ticks) || ((step >= 1U) && (step <= (ACC_DECEL_CAN_MAX_LOST + 1U)));
}

/* What is wrong with a frame of the message, or that it is good. */
static acc_decel_can_input_state_t verdict(const acc_decel_can_input_t *input, const acc_decel_can_received_t *message,
                                           const acc_decel_can_frame_t *frame)
{
    const uint32_t counter = (uint32_t)frame->data[1] & COUNTER_MASK;
    acc_decel_can_input_state_t result = ACC_DECEL_CAN_OK;

    if (frame->length != ACC_DECEL_CAN_LENGTH) {
        result = ACC_DECEL_CAN_WRONG_LENGTH;
    } else if (checksum(frame->id, frame->data) != frame->data[0]) {
        result = ACC_DECEL_CAN_WRONG_CRC;
    } else if ((counter >= ACC_DECEL_CAN_COUNTERS) || (!follows(input, counter, message->used_ticks))) {
        result = ACC_DECEL_CAN_WRONG_COUNTER;
    } else {
        /* the frame is good */
    }
    return result;
}

static void take(acc_decel_can_input_t *input, const acc_decel_can_received_t *message,
                 const acc_decel_can_frame_t *frame)
{
    const uint32_t counter = (uint32_t)frame->data[1] & COUNTER_MASK;
    const acc_decel_can_input_state_t found = verdict(input, message, frame);

    if (found == ACC_DECEL_CAN_OK) {
        input->word = word_of(frame->data);
        input->age = 0U;
    } else {
        input->fault = (uint8_t)found;
    }
    if (((found == ACC_DECEL_CAN_OK) || (found == ACC_DECEL_CAN_WRONG_COUNTER)) && (counter < ACC_DECEL_CAN_COUNTERS)) {
        input->counter = (uint8_t)counter; /* after a jump the next frame follows again */
    }
    input->silence = 0U;
}

void acc_decel_can_receive(acc_decel_can_t *can, const acc_decel_can_frame_t *frame)
{
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_INPUT_COUNT; i++) {
        if (frame->id == received[i].id) {
            take(&can->inputs[i], &received[i], frame);
        }
    }
}

acc_decel_can_input_state_t acc_decel_can_input_state(const acc_decel_can_t *can, uint32_t input)
{
    const acc_decel_can_input_t *const state = &can->inputs[input];
    acc_decel_can_input_state_t result = ACC_DECEL_CAN_OK;

    if (state->fault != (uint8_t)ACC_DECEL_CAN_OK) {
        result = (acc_decel_can_input_state_t)state->fault;
    } else if (state->age == NEVER) {
        result = ACC_DECEL_CAN_NEVER_RECEIVED;
    } else if (!is_available(can, input)) {
        result = ACC_DECEL_CAN_TOO_OLD;
    } else {
        /* the values are used */
    }
    return result;
}

/* The raw code of a signal. False if it is not available: too old, an error of the sender, or SNA. */
static bool raw_of(const acc_decel_can_t *can, const acc_decel_can_signal_t *signal, uint32_t *raw)
{
    const uint64_t mask = low_bits(signal->bits);

    *raw = (uint32_t)((can->inputs[signal->message].word >> signal->start) & mask);
    return is_available(can, signal->message) && (*raw <= signal->last);
}

/* The float nearest to the decimal number: integers and one division, so that the ends of a range are met. */
static float value_of(const acc_decel_can_signal_t *signal, uint32_t raw)
{
    const int32_t steps = ((int32_t)raw + signal->offset) * signal->numerator;
    return (float)steps / (float)signal->denominator;
}

/* A number in a signal of its own. */
static void decode_value(const acc_decel_can_t *can, const acc_decel_can_factor_t *factor, float columns[])
{
    uint32_t raw;

    if (raw_of(can, &factor_signals[factor->signal], &raw)) {
        columns[factor->column] = value_of(&factor_signals[factor->signal], raw);
    }
}

/* A choice by its name: probability 1 for this kind. A code of no kind gives none, which is out of range. */
static void decode_name(const acc_decel_can_t *can, const acc_decel_can_factor_t *factor, float columns[])
{
    uint32_t raw;

    if (raw_of(can, &factor_signals[factor->signal], &raw)) {
        for (uint32_t i = 0U; i < factor->columns; i++) {
            columns[factor->column + i] = (raw == i) ? 1.0F : 0.0F;
        }
    }
}

/* Probabilities, all of them or none. Their sum in steps tells whether only rounding keeps them from adding up to 1. */
static void decode_probabilities(const acc_decel_can_t *can, const acc_decel_can_factor_t *factor, float columns[])
{
    bool available = true;
    uint32_t sum = 0U;
    uint32_t raw;

    for (uint32_t i = 0U; i < factor->columns; i++) {
        available = raw_of(can, &factor_signals[factor->signal + i], &raw) && available;
        sum += raw;
    }
    if (available) {
        const bool rounded = (sum >= factor->least_sum) && (sum <= factor->greatest_sum);

        for (uint32_t i = 0U; i < factor->columns; i++) {
            const acc_decel_can_signal_t *const signal = &factor_signals[factor->signal + i];

            (void)raw_of(can, signal, &raw);
            columns[factor->column + i] =
                (rounded && (raw <= factor->certain)) ? ((float)raw / (float)sum) : value_of(signal, raw);
        }
    }
}

acc_decel_factors_t acc_decel_can_factors(const acc_decel_can_t *can)
{
    acc_decel_factors_t factors = acc_decel_no_factors();
    float columns[ACC_DECEL_COLUMN_COUNT];

    read_columns(&factors, columns); /* none is available */
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_FACTOR_COUNT; i++) {
        const acc_decel_can_factor_t *const factor = &factors_sent[i];

        if (factor->kind == ACC_DECEL_CAN_NAMED) {
            decode_name(can, factor, columns);
        } else if (factor->kind == ACC_DECEL_CAN_PROBABILITIES) {
            decode_probabilities(can, factor, columns);
        } else {
            decode_value(can, factor, columns);
        }
    }
    factors_of(columns, &factors);
    return factors;
}

/* A whole number of steps, rounded as the signal wants it; `steps` is not below 0. */
static uint32_t rounded_steps(float steps, uint32_t rounding)
{
    const uint32_t below = (uint32_t)steps;
    const float rest = steps - (float)below;
    const bool up = (rounding == ACC_DECEL_CAN_UP) ? (rest > 0.0F) : (rest >= 0.5F);

    return below + (((rounding != ACC_DECEL_CAN_DOWN) && up) ? 1U : 0U);
}

/* The raw code of a number. What the signal has no code for is not clipped: it becomes the code before the last. */
static uint32_t code_of(const acc_decel_can_signal_t *signal, float value)
{
    const float steps = ((value * (float)signal->denominator) / (float)signal->numerator) - (float)signal->offset;
    uint32_t code = signal->not_available - 1U;

    if ((steps >= 0.0F) && (steps <= (float)signal->last)) { /* false for NaN, too */
        code = rounded_steps(steps, signal->rounding);
    }
    return code;
}

static void put(uint64_t words[ACC_DECEL_CAN_OUTPUT_COUNT], const acc_decel_can_place_t *place, uint32_t code)
{
    words[place->message] |= ((uint64_t)code) << place->start;
}

/* Predicts from what was received and returns the status; writes the numbers of the answer unless it is refused. */
static acc_decel_status_t predict_from_bus(const acc_decel_can_t *can, float quantities[ACC_DECEL_CAN_QUANTITY_COUNT])
{
    acc_decel_status_t status = ACC_DECEL_REFUSED;

    if (can->self_test == (uint8_t)ACC_DECEL_SELF_TEST_PASSED) {
        const acc_decel_factors_t factors = acc_decel_can_factors(can);
        acc_decel_prediction_t prediction;

        status = acc_decel_predict(&factors, &prediction);
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            quantities_of(&factors, &prediction, quantities);
        }
    }
    return status;
}

/* The numbers of the answer; not available while it is refused. */
static void put_quantities(uint64_t words[ACC_DECEL_CAN_OUTPUT_COUNT],
                           const float quantities[ACC_DECEL_CAN_QUANTITY_COUNT], bool refused)
{
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_QUANTITY_COUNT; i++) {
        const acc_decel_can_signal_t *const signal = &quantity_signals[i];
        const uint32_t code = refused ? signal->not_available : code_of(signal, quantities[i]);

        words[signal->message] |= ((uint64_t)code) << signal->start;
    }
}

/* Flags, what the answer knew of each factor, what was found of each message, self-test and schema. */
static void put_states(uint64_t words[ACC_DECEL_CAN_OUTPUT_COUNT], const acc_decel_can_t *can)
{
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_FLAG_COUNT; i++) {
        put(words, &flag_signals[i], (uint32_t)((can->status >> flag_bits[i]) & 1U));
    }
    for (uint32_t i = 0U; i < ACC_DECEL_FACTOR_COUNT; i++) {
        const uint32_t outside = acc_decel_out_of_range(can->status, i) ? ACC_DECEL_CAN_OUT_OF_RANGE : 0U;
        const uint32_t missing = acc_decel_not_available(can->status, i) ? ACC_DECEL_CAN_NOT_AVAILABLE : 0U;
        put(words, &factor_state_signals[i], outside | missing); /* never both */
    }
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_INPUT_COUNT; i++) {
        put(words, &input_state_signals[i], (uint32_t)acc_decel_can_input_state(can, i));
    }
    put(words, &self_test_signals[0], (can->self_test != (uint8_t)ACC_DECEL_SELF_TEST_PASSED) ? 1U : 0U);
    put(words, &schema_signals[0], ACC_DECEL_CAN_SCHEMA);
}

/* Counter and checksum of a frame that is sent. */
static void protect(acc_decel_can_frame_t *frame, uint64_t word, uint8_t *counter)
{
    const uint64_t counted = word | (((uint64_t)*counter) << 8U);

    for (uint32_t i = 1U; i < ACC_DECEL_CAN_LENGTH; i++) {
        const uint32_t shift = 8U * i;
        frame->data[i] = (uint8_t)((counted >> shift) & 0xFFU);
    }
    frame->data[0] = checksum(frame->id, frame->data);
    *counter = (uint8_t)((*counter + 1U) % ACC_DECEL_CAN_COUNTERS);
}

static bool is_due(const acc_decel_can_t *can, uint32_t output)
{
    return (can->tick % sent[output].cycle) == 0U;
}

static uint16_t older(uint16_t age)
{
    return (age < OLDEST) ? (uint16_t)(age + 1U) : age;
}

/* One tick older; and a fault that has been told is forgotten. */
static void grow_older(acc_decel_can_t *can)
{
    const bool told = is_due(can, ACC_DECEL_CAN_TELLS_FAULTS);

    for (uint32_t i = 0U; i < ACC_DECEL_CAN_INPUT_COUNT; i++) {
        acc_decel_can_input_t *const input = &can->inputs[i];

        input->age = older(input->age);
        input->silence = older(input->silence);
        if (told) {
            input->fault = (uint8_t)ACC_DECEL_CAN_OK;
        }
    }
    can->tick++;
}

uint32_t acc_decel_can_task(acc_decel_can_t *can, acc_decel_can_frame_t frames[ACC_DECEL_CAN_OUTPUT_COUNT])
{
    float quantities[ACC_DECEL_CAN_QUANTITY_COUNT];
    uint64_t words[ACC_DECEL_CAN_OUTPUT_COUNT];
    uint32_t count = 0U;

    for (uint32_t i = 0U; i < ACC_DECEL_CAN_OUTPUT_COUNT; i++) {
        words[i] = 0U;
    }
    can->status = predict_from_bus(can, quantities);
    put_quantities(words, quantities, (can->status & ACC_DECEL_REFUSED) != 0U);
    put_states(words, can);
    for (uint32_t i = 0U; i < ACC_DECEL_CAN_OUTPUT_COUNT; i++) {
        if (is_due(can, i)) {
            frames[count].id = sent[i].id;
            frames[count].length = ACC_DECEL_CAN_LENGTH;
            protect(&frames[count], words[i], &can->counters[i]);
            count++;
        }
    }
    grow_older(can);
    return count;
}
