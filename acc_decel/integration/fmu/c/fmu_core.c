/* The instance behind both faces: variables, phases, one answer a step, the state as bytes. The manual is fmu_core.h.
 */

#include "fmu_core.h"

#include <string.h>

#define TOKEN_SIZE (sizeof(FMU_TOKEN) - 1U)

static const float not_yet = 1.0F / 0.0F; /* a distance before the first answer: the car is not known to stop */

void fmu_say(fmu_message_t *message, const char *text)
{
    message->length = 0U;
    message->text[0] = '\0';
    fmu_add(message, text);
}

void fmu_add(fmu_message_t *message, const char *text)
{
    size_t at = message->length;

    for (size_t i = 0U; (text[i] != '\0') && (at < (FMU_MESSAGE_SIZE - 1U)); i++) {
        message->text[at] = (text[i] == '%') ? '?' : text[i]; /* in FMI 2.0 a message is a format */
        at++;
    }
    message->text[at] = '\0';
    message->length = at;
}

void fmu_add_number(fmu_message_t *message, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits) - 1U;
    uint64_t rest = (number < 0) ? (0U - (uint64_t)number) : (uint64_t)number;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = (char)('0' + (char)(rest % 10U));
        rest /= 10U;
    } while (rest != 0U);
    if (number < 0) {
        at--;
        digits[at] = '-';
    }
    fmu_add(message, &digits[at]);
}

/* What the result of the self-test says of this binary. */
static const char *found_by_self_test(acc_decel_self_test_t result)
{
    const char *found = "other answers: the binary is damaged, or its compiler does not follow IEEE 754";

    if (result == ACC_DECEL_SELF_TEST_TABLES_ALTERED) {
        found = "altered tables: the binary is damaged, export the FMU again";
    } else if (result == ACC_DECEL_SELF_TEST_OTHER_BITS) {
        found = "other bits: build the sources with -ffp-contract=off and without -ffast-math";
    } else {
        /* a wrong status or answer */
    }
    return found;
}

bool fmu_accepts(const char *token, fmu_message_t *message)
{
    bool accepted = (token != NULL) && (strcmp(token, FMU_TOKEN) == 0);

    if (!accepted) {
        fmu_say(message, "The token (in FMI 2.0 the guid) must be that of the binary, " FMU_TOKEN ". Got ");
        fmu_add(message, (token != NULL) ? token : "none");
        fmu_add(message, ": modelDescription.xml and binary are of two FMUs.");
    } else {
        const acc_decel_self_test_t result = acc_decel_self_test();

        accepted = (result == ACC_DECEL_SELF_TEST_PASSED);
        if (!accepted) {
            fmu_say(message, "The self-test of " FMU_NAME " must pass. Got result ");
            fmu_add_number(message, (int64_t)result);
            fmu_add(message, ", ");
            fmu_add(message, found_by_self_test(result));
            fmu_add(message, ".");
        }
    }
    return accepted;
}

void fmu_reset(fmu_t *fmu)
{
    fmu_state_t *const state = &fmu->state;

    (void)memset(fmu, 0, sizeof(*fmu));
    (void)memcpy(state->given.values, fmu_column_starts, sizeof(state->given.values));
    (void)memcpy(state->correction.values, fmu_correction_starts, sizeof(state->correction.values));
    for (uint32_t i = 0U; i < ACC_DECEL_FACTOR_COUNT; i++) {
        state->available[i] = fmu_factors[i].available ? 1U : 0U;
    }
    for (uint32_t i = 0U; i < FMU_DISTANCE_COUNT; i++) {
        state->distances[i] = not_yet;
    }
    state->status = ACC_DECEL_REFUSED;
    state->phase = (uint32_t)FMU_INSTANTIATED;
}

bool fmu_enter(fmu_t *fmu, fmu_phase_t from, fmu_phase_t to, const char *function)
{
    static const char *const names[] = {"instantiated", "in initialization mode", "initialized", "terminated"};
    const bool allowed = (fmu->state.phase == (uint32_t)from);

    if (allowed) {
        fmu->state.phase = (uint32_t)to;
    } else {
        fmu_say(&fmu->message, function);
        fmu_add(&fmu->message, " must be called of an instance that is ");
        fmu_add(&fmu->message, names[from]);
        fmu_add(&fmu->message, ". Got one that is ");
        fmu_add(&fmu->message, names[fmu->state.phase]);
        fmu_add(&fmu->message, ".");
    }
    return allowed;
}

void fmu_terminate(fmu_t *fmu)
{
    fmu->state.phase = (uint32_t)FMU_TERMINATED;
}

/* The columns of a choice: the level if it is known, else the probabilities if one of them was set. */
static void fill_choice(const fmu_state_t *state, const fmu_factor_t *factor, int32_t level, fmu_columns_t *columns)
{
    bool is_set = (level > 0);

    for (uint32_t i = 0U; i < factor->count; i++) {
        is_set = is_set || (state->given.values[factor->first + i] != 0.0F); /* true for NaN, too */
    }
    for (uint32_t i = 0U; is_set && (i < factor->count); i++) {
        const float certain = ((int32_t)i == (level - 1)) ? 1.0F : 0.0F;
        columns->values[factor->first + i] = (level > 0) ? certain : state->given.values[factor->first + i];
    }
}

void fmu_answer(fmu_t *fmu)
{
    fmu_state_t *const state = &fmu->state;
    fmu_columns_t columns;
    fmu_outputs_t outputs;
    acc_decel_status_t status;

    columns.factors = acc_decel_no_factors();
    for (uint32_t i = 0U; i < ACC_DECEL_FACTOR_COUNT; i++) {
        const fmu_factor_t *const factor = &fmu_factors[i];

        if (state->available[i] == 0U) {
            /* its columns stay not available */
        } else if (factor->is_choice) {
            fill_choice(state, factor, state->choices[i], &columns);
        } else {
            columns.values[factor->first] = state->given.values[factor->first];
        }
    }
    status = acc_decel_predict(&columns.factors, &outputs.prediction);
    status =
        acc_decel_corrected(status, &outputs.prediction, &state->correction.correction, &state->outputs.prediction);
    if ((status & ACC_DECEL_REFUSED) == 0U) {
        for (uint32_t i = 0U; i < FMU_DISTANCE_COUNT; i++) {
            state->distances[i] = acc_decel_stopping_distance(
                columns.factors.speed, state->outputs.values[fmu_distances[i]], state->outputs.prediction.delay);
        }
    }
    state->status = status;
}

bool fmu_step(fmu_t *fmu, double time, double step)
{
    bool good = fmu_enter(fmu, FMU_STEPPING, FMU_STEPPING, "DoStep");

    if (good && !(step >= 0.0)) {
        fmu_say(&fmu->message, "The communication step size must be 0 s or more. Got less, or no number.");
        good = false;
    }
    if (good) {
        fmu->state.time = time + step;
        fmu_answer(fmu);
    }
    return good;
}

/* True if a value reference is one of `count` from `base` on; its place among them. */
static bool is_from(uint32_t reference, uint32_t base, uint32_t count, uint32_t *place)
{
    *place = reference - base; /* a reference below the base wraps around to a great number */
    return *place < count;
}

static bool has_no_variable(fmu_t *fmu, const char *kind, uint32_t reference)
{
    fmu_say(&fmu->message, "The value reference must be of ");
    fmu_add(&fmu->message, kind);
    fmu_add(&fmu->message, " of modelDescription.xml. Got ");
    fmu_add_number(&fmu->message, (int64_t)reference);
    fmu_add(&fmu->message, ".");
    return false;
}

/* True if a value may be set now. */
static bool may_be_set(fmu_t *fmu)
{
    const bool may = (fmu->state.phase != (uint32_t)FMU_TERMINATED);

    if (!may) {
        fmu_say(&fmu->message,
                "A variable must be set before Terminate. Got an instance that is terminated: reset it.");
    }
    return may;
}

/* In initialization mode outputs follow the inputs at once; between steps they are those of the last step. */
static void bring_up_to_date(fmu_t *fmu)
{
    if (fmu->state.phase == (uint32_t)FMU_INITIALIZING) {
        fmu_answer(fmu);
    }
}

/* The place of the number that a value reference of a Real input or parameter stands for; NULL if there is none. */
static float *real_input(fmu_state_t *state, uint32_t reference)
{
    float *number = NULL;
    uint32_t place;

    if (is_from(reference, FMU_COLUMN_BASE, ACC_DECEL_COLUMN_COUNT, &place) &&
        !fmu_factors[fmu_owners[place]].is_switch) {
        number = &state->given.values[place];
    } else if (is_from(reference, FMU_CORRECTION_BASE, FMU_CORRECTION_COUNT, &place)) {
        number = &state->correction.values[place];
    } else {
        /* none */
    }
    return number;
}

bool fmu_get_real(fmu_t *fmu, uint32_t reference, double *value)
{
    const float *const number = real_input(&fmu->state, reference);
    bool good = true;
    uint32_t place;

    if (number != NULL) {
        *value = (double)*number;
    } else if (reference == FMU_TIME) {
        *value = fmu->state.time;
    } else if (is_from(reference, FMU_OUTPUT_BASE, ACC_DECEL_OUTPUT_COUNT, &place)) {
        bring_up_to_date(fmu);
        *value = (double)fmu->state.outputs.values[place];
    } else if (is_from(reference, FMU_DISTANCE_BASE, FMU_DISTANCE_COUNT, &place)) {
        bring_up_to_date(fmu);
        *value = (double)fmu->state.distances[place];
    } else {
        good = has_no_variable(fmu, "a Real (Float64)", reference);
    }
    return good;
}

bool fmu_set_real(fmu_t *fmu, uint32_t reference, double value)
{
    float *const number = real_input(&fmu->state, reference);
    bool good = may_be_set(fmu);

    if (good && (number == NULL)) {
        good = has_no_variable(fmu, "a Real (Float64) that is an input or a parameter", reference);
    }
    if (good) {
        *number = (float)value; /* too great for float32: infinite, which is out of every range */
    }
    return good;
}

/* True if a value reference is of an enumeration; which factor it is. */
static bool is_choice(uint32_t reference, uint32_t *factor)
{
    return is_from(reference, FMU_CHOICE_BASE, ACC_DECEL_FACTOR_COUNT, factor) && fmu_factors[*factor].is_choice;
}

/* The bits of all factors in the status, from `shift` on. */
static int32_t factor_bits(acc_decel_status_t status, uint32_t shift)
{
    const acc_decel_status_t mask = (((acc_decel_status_t)1U) << ACC_DECEL_FACTOR_COUNT) - 1U;
    return (int32_t)((status >> shift) & mask);
}

bool fmu_get_integer(fmu_t *fmu, uint32_t reference, int32_t *value)
{
    bool good = true;
    uint32_t place;

    if (is_choice(reference, &place)) {
        *value = fmu->state.choices[place];
    } else if (reference == FMU_OUT_OF_RANGE) {
        bring_up_to_date(fmu);
        *value = factor_bits(fmu->state.status, ACC_DECEL_OUT_OF_RANGE_SHIFT);
    } else if (reference == FMU_NOT_AVAILABLE) {
        bring_up_to_date(fmu);
        *value = factor_bits(fmu->state.status, ACC_DECEL_NOT_AVAILABLE_SHIFT);
    } else {
        good = has_no_variable(fmu, "an Integer (Int32) or an Enumeration", reference);
    }
    return good;
}

bool fmu_set_integer(fmu_t *fmu, uint32_t reference, int64_t value)
{
    bool good = may_be_set(fmu);
    uint32_t place;

    if (good && !is_choice(reference, &place)) {
        good = has_no_variable(fmu, "an Enumeration", reference);
    }
    if (good && ((value < 0) || (value > (int64_t)fmu_factors[place].count))) {
        fmu_say(&fmu->message, fmu_factors[place].name);
        fmu_add(&fmu->message, " must be 0 (unknown) to ");
        fmu_add_number(&fmu->message, (int64_t)fmu_factors[place].count);
        fmu_add(&fmu->message, ". Got ");
        fmu_add_number(&fmu->message, value);
        fmu_add(&fmu->message, ".");
        good = false;
    }
    if (good) {
        fmu->state.choices[place] = (int32_t)value;
    }
    return good;
}

/* True if a value reference is of the Boolean that says whether a factor is available; which factor it is. */
static bool is_availability(uint32_t reference, uint32_t *factor)
{
    return is_from(reference, FMU_AVAILABLE_BASE, ACC_DECEL_FACTOR_COUNT, factor) &&
           ((FMU_OPTIONAL & (((uint32_t)1U) << *factor)) != 0U);
}

/* True if a value reference is of a switch; which column it is. */
static bool is_switch(uint32_t reference, uint32_t *column)
{
    return is_from(reference, FMU_COLUMN_BASE, ACC_DECEL_COLUMN_COUNT, column) &&
           fmu_factors[fmu_owners[*column]].is_switch;
}

bool fmu_get_boolean(fmu_t *fmu, uint32_t reference, bool *value)
{
    bool good = true;
    uint32_t place;

    if (is_switch(reference, &place)) {
        *value = (fmu->state.given.values[place] == fmu_factors[fmu_owners[place]].on);
    } else if (is_availability(reference, &place)) {
        *value = (fmu->state.available[place] != 0U);
    } else if (is_from(reference, FMU_FLAG_BASE, FMU_FLAG_COUNT, &place)) {
        bring_up_to_date(fmu);
        *value = ((fmu->state.status & fmu_flags[place]) != 0U);
    } else {
        good = has_no_variable(fmu, "a Boolean", reference);
    }
    return good;
}

bool fmu_set_boolean(fmu_t *fmu, uint32_t reference, bool value)
{
    bool good = may_be_set(fmu);
    uint32_t place;

    if (good && is_switch(reference, &place)) {
        const fmu_factor_t *const factor = &fmu_factors[fmu_owners[place]];
        fmu->state.given.values[place] = value ? factor->on : factor->off;
    } else if (good && is_availability(reference, &place)) {
        fmu->state.available[place] = value ? 1U : 0U;
    } else if (good) {
        good = has_no_variable(fmu, "a Boolean that is an input", reference);
    } else {
        /* the message is written */
    }
    return good;
}

bool fmu_get_status(fmu_t *fmu, uint32_t reference, uint64_t *value)
{
    const bool good = (reference == FMU_STATUS);

    if (good) {
        bring_up_to_date(fmu);
        *value = fmu->state.status;
    } else {
        (void)has_no_variable(fmu, "a UInt64", reference);
    }
    return good;
}

size_t fmu_serialized_size(void)
{
    return TOKEN_SIZE + sizeof(fmu_state_t);
}

static bool has_size(fmu_t *fmu, size_t size)
{
    const bool good = (size == fmu_serialized_size());

    if (!good) {
        fmu_say(&fmu->message, "A serialized state must have ");
        fmu_add_number(&fmu->message, (int64_t)fmu_serialized_size());
        fmu_add(&fmu->message, " bytes. Got ");
        fmu_add_number(&fmu->message, (int64_t)size);
        fmu_add(&fmu->message, ".");
    }
    return good;
}

bool fmu_serialize(fmu_t *fmu, const fmu_state_t *state, uint8_t bytes[], size_t size)
{
    const bool good = has_size(fmu, size);

    if (good) {
        (void)memcpy(bytes, FMU_TOKEN, TOKEN_SIZE);
        (void)memcpy(&bytes[TOKEN_SIZE], state, sizeof(*state));
    }
    return good;
}

bool fmu_deserialize(fmu_t *fmu, const uint8_t bytes[], size_t size, fmu_state_t *state)
{
    bool good = has_size(fmu, size);

    if (good && (memcmp(bytes, FMU_TOKEN, TOKEN_SIZE) != 0)) {
        fmu_say(&fmu->message, "A serialized state must be of this FMU, with its token " FMU_TOKEN ". Got another's.");
        good = false;
    }
    if (good) {
        (void)memcpy(state, &bytes[TOKEN_SIZE], sizeof(*state));
    }
    if (good && (state->phase > (uint32_t)FMU_TERMINATED)) {
        fmu_say(&fmu->message, "A serialized state must be as it was written. Got altered bytes.");
        good = false;
    }
    return good;
}
