/* Sends states with known answers through the ACC unit and tests every other function: exit code 0 if all is right.
 * Reads records of a state, its answers and their status from stdin. Linked with --wrap for the functions that the
 * self-test calls. */

#include "acc_decel_acc.h"
#include "acc_decel_acc_golden.h"
#include "acc_decel_acc_values.h"

#include <stdio.h>
#include <string.h>

#define LAST (ACC_DECEL_ACC_GOLDEN_ANSWERS - 1U) /* lead_upper, without a status */

static int spoil_answer = 0;    /* the answer to change, counted from 1 */
static int spoil_status = 0;    /* the status to change, counted from 1 */
static int spoil_pointer = 0;   /* what safe_gap says about a NULL pointer: 1 for the state, 2 for the answer */
static int spoil_none = 0;      /* 1: none() knows everything; 2: a refused answer is written */
static uint32_t spoil_row = 0U; /* the only state that is spoilt, counted from 1; 0: all */
static uint32_t row = 0U;
static float change = 1.0F;

acc_decel_acc_status_t __real_acc_decel_acc_safe_gap(const acc_decel_acc_t *acc, float *gap);
acc_decel_acc_status_t __wrap_acc_decel_acc_safe_gap(const acc_decel_acc_t *acc, float *gap);
acc_decel_acc_status_t __real_acc_decel_acc_time_gap(const acc_decel_acc_t *acc, float *time);
acc_decel_acc_status_t __wrap_acc_decel_acc_time_gap(const acc_decel_acc_t *acc, float *time);
acc_decel_acc_status_t __real_acc_decel_acc_required_deceleration(const acc_decel_acc_t *acc, float wait, float *b);
acc_decel_acc_status_t __wrap_acc_decel_acc_required_deceleration(const acc_decel_acc_t *acc, float wait, float *b);
acc_decel_acc_status_t __real_acc_decel_acc_latest_braking_distance(const acc_decel_acc_t *acc, float *distance);
acc_decel_acc_status_t __wrap_acc_decel_acc_latest_braking_distance(const acc_decel_acc_t *acc, float *distance);
acc_decel_acc_status_t __real_acc_decel_acc_warning(const acc_decel_acc_t *acc, acc_decel_acc_warning_t *warning);
acc_decel_acc_status_t __wrap_acc_decel_acc_warning(const acc_decel_acc_t *acc, acc_decel_acc_warning_t *warning);
float __real_acc_decel_acc_lead_upper(float lower, float reserve);
float __wrap_acc_decel_acc_lead_upper(float lower, float reserve);
acc_decel_acc_t __real_acc_decel_acc_none(void);
acc_decel_acc_t __wrap_acc_decel_acc_none(void);

static int spoils(int which, int place)
{
    return (which == place) && ((spoil_row == 0U) || (spoil_row == row));
}

/* An answer and its status, spoilt if asked for. */
static acc_decel_acc_status_t spoilt(int place, acc_decel_acc_status_t status, float *answer)
{
    if (spoils(spoil_answer, place) && (answer != NULL)) {
        *answer += change;
    }
    return status ^ (spoils(spoil_status, place) ? 1U : 0U);
}

acc_decel_acc_status_t __wrap_acc_decel_acc_safe_gap(const acc_decel_acc_t *acc, float *gap)
{
    const acc_decel_acc_status_t status = __real_acc_decel_acc_safe_gap(acc, gap);

    if (((spoil_pointer == 1) && (acc == NULL)) || ((spoil_pointer == 2) && (gap == NULL))) {
        return 0U;
    }
    if ((acc == NULL) || (gap == NULL)) {
        return status;
    }
    if (acc->speed != acc->speed && spoil_none == 2) {
        *gap = 1.0F;
    }
    row += (acc->speed == acc->speed) ? 1U : 0U; /* the golden states follow none() */
    return (row == 0U) ? status : spoilt(1, status, gap);
}

acc_decel_acc_status_t __wrap_acc_decel_acc_time_gap(const acc_decel_acc_t *acc, float *time)
{
    return spoilt(2, __real_acc_decel_acc_time_gap(acc, time), time);
}

acc_decel_acc_status_t __wrap_acc_decel_acc_required_deceleration(const acc_decel_acc_t *acc, float wait, float *b)
{
    return spoilt(3, __real_acc_decel_acc_required_deceleration(acc, wait, b), b);
}

acc_decel_acc_status_t __wrap_acc_decel_acc_latest_braking_distance(const acc_decel_acc_t *acc, float *distance)
{
    return spoilt(4, __real_acc_decel_acc_latest_braking_distance(acc, distance), distance);
}

acc_decel_acc_status_t __wrap_acc_decel_acc_warning(const acc_decel_acc_t *acc, acc_decel_acc_warning_t *warning)
{
    const acc_decel_acc_status_t status = __real_acc_decel_acc_warning(acc, warning);

    warning->is_due = warning->is_due != (spoils(spoil_answer, 6) != 0);
    return spoilt(5, status, &warning->distance);
}

float __wrap_acc_decel_acc_lead_upper(float lower, float reserve)
{
    float upper = __real_acc_decel_acc_lead_upper(lower, reserve);

    (void)spoilt(7, 0U, &upper);
    return upper;
}

acc_decel_acc_t __wrap_acc_decel_acc_none(void)
{
    acc_decel_acc_t none = __real_acc_decel_acc_none();

    if (spoil_none == 1) {
        memset(&none, 0, sizeof(none));
    }
    return none;
}

/* The self-test is spoilt in one way, and must find it. */
static int finds(acc_decel_self_test_t expected)
{
    row = 0U;
    return acc_decel_acc_self_test() == expected;
}

/* A change of exactly the tolerance, of an answer that is 0. */
static int exactly_at_the_tolerance(void)
{
    int wrong = 1;

    spoil_answer = 4;
    for (spoil_row = 1U; spoil_row <= ACC_DECEL_ACC_GOLDEN_COUNT; spoil_row++) {
        if (acc_golden_answers[spoil_row - 1U].words[spoil_answer - 1] == 0U) {
            change = ACC_DECEL_ACC_GOLDEN_TOLERANCE;
            wrong = !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
            change = -change;
            wrong += !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
        }
    }
    change = 1.0F;
    spoil_row = 0U;
    spoil_answer = 0;
    return wrong;
}

static int self_tests(void)
{
    static const float small = 0.0005F; /* below ACC_DECEL_ACC_GOLDEN_TOLERANCE */
    int wrong = !finds(ACC_DECEL_SELF_TEST_PASSED);

    for (spoil_answer = 1; spoil_answer <= (int)ACC_DECEL_ACC_GOLDEN_ANSWERS; spoil_answer++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
        change = -1.0F;
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
        change = 0.0F / 0.0F;
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
        if (spoil_answer != 6) { /* true or false */
            for (change = -small; change <= small; change += 2.0F * small) {
                wrong += !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
            }
            change = small;
            spoil_none = 2; /* a fault before other bits */
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
            spoil_none = 0;
        }
        change = 1.0F;
    }
    spoil_answer = 0;
    for (spoil_status = 1; spoil_status <= (int)ACC_DECEL_ACC_GOLDEN_STATUS; spoil_status++) {
        for (spoil_row = 0U; spoil_row <= ACC_DECEL_ACC_GOLDEN_COUNT; spoil_row++) {
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
        }
        spoil_row = 0U;
    }
    spoil_status = 0;
    spoil_answer = 1;
    for (spoil_row = 1U; spoil_row <= ACC_DECEL_ACC_GOLDEN_COUNT; spoil_row++) { /* those that are infinite stay so */
        const float gap = acc_golden_answers[spoil_row - 1U].values[0];
        wrong += !finds(((gap - gap) == 0.0F) ? ACC_DECEL_SELF_TEST_WRONG_ANSWER : ACC_DECEL_SELF_TEST_PASSED);
    }
    spoil_row = 1U;
    change = small;
    spoil_status = 2; /* a fault after other bits */
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    change = 1.0F;
    spoil_row = 0U;
    spoil_answer = 0;
    spoil_none = 2; /* of two faults, the first */
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
    spoil_none = 0;
    spoil_status = 0;
    for (spoil_pointer = 1; spoil_pointer <= 2; spoil_pointer++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    }
    spoil_pointer = 0;
    spoil_none = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    spoil_none = 0;
    return wrong;
}

static int same(float is, float expected)
{
    return (memcmp(&is, &expected, sizeof(is)) == 0) || ((is != is) && (expected != expected));
}

/* Every pointer that may be NULL. */
static int pointers(void)
{
    const acc_decel_acc_status_t refused = ACC_DECEL_ACC_NO_POINTER;
    const acc_decel_acc_t none = __real_acc_decel_acc_none();
    acc_decel_acc_warning_t warning;
    float answer;
    int wrong = 0;

    wrong += __real_acc_decel_acc_safe_gap(NULL, &answer) != refused;
    wrong += __real_acc_decel_acc_safe_gap(&none, NULL) != refused;
    wrong += __real_acc_decel_acc_time_gap(NULL, &answer) != refused;
    wrong += __real_acc_decel_acc_time_gap(&none, NULL) != refused;
    wrong += __real_acc_decel_acc_required_deceleration(NULL, 0.0F, &answer) != refused;
    wrong += __real_acc_decel_acc_required_deceleration(&none, 0.0F, NULL) != refused;
    wrong += __real_acc_decel_acc_required_deceleration(NULL, -1.0F, NULL) != (refused | ACC_DECEL_ACC_WAIT);
    wrong += __real_acc_decel_acc_latest_braking_distance(NULL, &answer) != refused;
    wrong += __real_acc_decel_acc_latest_braking_distance(&none, NULL) != refused;
    wrong += __real_acc_decel_acc_warning(NULL, &warning) != refused;
    wrong += __real_acc_decel_acc_warning(&none, NULL) != refused;
    return wrong;
}

static int nothing_known(void)
{
    const acc_decel_acc_t none = __real_acc_decel_acc_none();
    const float nan = ACC_DECEL_NOT_AVAILABLE;
    int wrong = 0;

    wrong += !same(none.speed, nan) + !same(none.deceleration, nan) + !same(none.delay, nan) + !same(none.gap, nan);
    wrong += !same(none.deceleration_at_lead_speed, nan) + !same(none.lead_speed, nan);
    wrong += !same(none.lead_deceleration, nan) + !same(none.lead_braking, nan);
    wrong += none.reaction != ACC_DECEL_ACC_REACTION_TIME;
    wrong += none.standstill != ACC_DECEL_ACC_REST_GAP;
    wrong += none.driver != ACC_DECEL_ACC_DRIVER_TIME;
    return wrong;
}

/* Both cars from predictions. */
static int taken_over(void)
{
    const float nan = ACC_DECEL_NOT_AVAILABLE;
    acc_decel_prediction_t prediction = {0};
    acc_decel_acc_t acc = __real_acc_decel_acc_none();
    int wrong = 0;

    prediction.deceleration_lower = 5.0F;
    prediction.deceleration_upper = 9.0F;
    prediction.delay = 0.25F;
    acc_decel_acc_set_own(&acc, 20.0F, ACC_DECEL_OUTSIDE_DOMAIN, &prediction);
    wrong += (acc.speed != 20.0F) + (acc.deceleration != 5.0F) + (acc.delay != 0.25F);
    acc_decel_acc_set_own(&acc, 21.0F, ACC_DECEL_REFUSED, &prediction);
    wrong += (acc.speed != 21.0F) + !same(acc.deceleration, nan) + !same(acc.delay, nan);
    acc.deceleration = 1.0F;
    acc_decel_acc_set_own(&acc, 21.0F, 0U, NULL);
    wrong += !same(acc.deceleration, nan) + !same(acc.delay, nan);
    acc_decel_acc_set_own(NULL, 21.0F, 0U, &prediction);
    acc_decel_acc_set_lead(&acc, 10.0F, 0U, &prediction, nan);
    wrong += (acc.lead_speed != 10.0F) + (acc.lead_deceleration != 9.0F);
    acc_decel_acc_set_lead(&acc, 11.0F, 0U, &prediction, 10.0F);
    wrong += (acc.lead_speed != 11.0F) + (acc.lead_deceleration != 9.0F);
    acc_decel_acc_set_lead(&acc, 11.0F, ACC_DECEL_OUTSIDE_DOMAIN, &prediction, 10.0F);
    wrong += acc.lead_deceleration != 10.0F;
    acc_decel_acc_set_lead(&acc, 11.0F, ACC_DECEL_OUTSIDE_DOMAIN, &prediction, 8.0F);
    wrong += acc.lead_deceleration != 9.0F;
    acc_decel_acc_set_lead(&acc, 11.0F, ACC_DECEL_OUTSIDE_DOMAIN, &prediction, nan);
    wrong += !same(acc.lead_deceleration, nan);
    acc.lead_deceleration = 1.0F;
    acc_decel_acc_set_lead(&acc, 11.0F, ACC_DECEL_REFUSED, &prediction, 8.0F);
    wrong += !same(acc.lead_deceleration, nan);
    acc.lead_deceleration = 1.0F;
    acc_decel_acc_set_lead(&acc, 11.0F, 0U, NULL, 8.0F);
    wrong += !same(acc.lead_deceleration, nan);
    acc_decel_acc_set_lead(NULL, 11.0F, 0U, &prediction, 8.0F);
    return wrong;
}

static int on_the_same_road(void)
{
    const float lowest = ACC_DECEL_ACC_LEAST_MODEL_SPEED;
    acc_decel_factors_t own;
    acc_decel_factors_t lead;
    int wrong = 0;

    memset(&own, 0, sizeof(own));
    own.speed = 30.0F;
    own.mass = 2000.0F;
    own.grade = 0.125F;
    own.surface_ice = 0.5F;
    own.friction_estimate = 0.75F;
    lead = acc_decel_acc_lead_factors(&own, 12.0F);
    wrong += (lead.speed != 12.0F) + !same(lead.mass, ACC_DECEL_NOT_AVAILABLE) + (lead.grade != 0.125F);
    wrong += (lead.surface_ice != 0.5F) + !same(lead.friction_estimate, ACC_DECEL_NOT_AVAILABLE) + (lead.abs != 1.0F);
    wrong += !(lead.brake_pressure_bar > 0.0F);
    lead = acc_decel_acc_lead_factors(NULL, 12.0F);
    wrong += (lead.speed != 12.0F) + !same(lead.grade, ACC_DECEL_NOT_AVAILABLE) + (lead.abs != 1.0F);
    wrong += acc_decel_acc_lead_factors(&own, lowest).speed != lowest;
    wrong += acc_decel_acc_lead_factors(&own, 0.5F * lowest).speed != lowest;
    wrong += !same(acc_decel_acc_lead_factors(&own, ACC_DECEL_NOT_AVAILABLE).speed, ACC_DECEL_NOT_AVAILABLE);
    return wrong;
}

/* 1 if the answers to one state are those that are expected. */
static int answered(const acc_decel_acc_golden_state_t *asked, const acc_decel_acc_golden_answer_t *expected,
                    const acc_decel_acc_golden_status_t *status)
{
    const float unchanged = ACC_DECEL_ACC_GOLDEN_UNCHANGED;
    const acc_decel_acc_t *const acc = &asked->state.acc;
    acc_decel_acc_golden_answer_t is = {{0}};
    acc_decel_acc_golden_status_t said;
    acc_decel_acc_warning_t warning = {unchanged, true};
    int right = 1;

    is.values[0] = unchanged;
    is.values[1] = unchanged;
    is.values[2] = unchanged;
    is.values[3] = unchanged;
    said.words[0] = __real_acc_decel_acc_safe_gap(acc, &is.values[0]);
    said.words[1] = __real_acc_decel_acc_time_gap(acc, &is.values[1]);
    said.words[2] = __real_acc_decel_acc_required_deceleration(acc, asked->state.wait, &is.values[2]);
    said.words[3] = __real_acc_decel_acc_latest_braking_distance(acc, &is.values[3]);
    said.words[4] = __real_acc_decel_acc_warning(acc, &warning);
    is.values[4] = warning.distance;
    is.values[5] = (said.words[4] != 0U) ? unchanged : (warning.is_due ? 1.0F : 0.0F);
    right &= (said.words[4] == 0U) || warning.is_due; /* unchanged if refused */
    is.values[LAST] = __real_acc_decel_acc_lead_upper(acc->deceleration, asked->state.reserve);
    for (uint32_t i = 0U; i < ACC_DECEL_ACC_GOLDEN_STATUS; i++) {
        right &= said.words[i] == status->words[i];
    }
    for (uint32_t i = 0U; i < ACC_DECEL_ACC_GOLDEN_ANSWERS; i++) {
        right &= same(is.values[i], expected->values[i]);
    }
    return right;
}

int main(void)
{
    acc_decel_acc_golden_state_t state;
    acc_decel_acc_golden_answer_t expected;
    acc_decel_acc_golden_status_t status;
    int wrong =
        self_tests() + pointers() + nothing_known() + taken_over() + on_the_same_road() + exactly_at_the_tolerance();

    while ((fread(&state, sizeof(state), 1U, stdin) == 1U) && (fread(&expected, sizeof(expected), 1U, stdin) == 1U) &&
           (fread(&status, sizeof(status), 1U, stdin) == 1U)) {
        wrong += !answered(&state, &expected, &status);
    }
    return (wrong != 0) ? 1 : 0;
}
