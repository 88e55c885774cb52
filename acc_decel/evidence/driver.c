/* Sends events with known answers through the firmware and tests every other function: exit code 0 if all is right.
 * Reads records of factors, outputs and status from stdin. Linked with --wrap for the functions that the self-test
 * calls. */

#include "acc_decel.h"
#include "acc_decel_correction.h"
#include "acc_decel_network.h"
#include "golden_vectors.h"

#include <stdio.h>
#include <string.h>

static int spoil_status = 0;
static uint32_t spoil_call = 0U; /* the only prediction whose status is spoilt, counted from 1; 0: all */
static uint32_t calls = 0U;
static int spoil_answer = 0; /* the output to change, counted from 1; negative: make it smaller */
static int spoil_null = 0;   /* what predict says about a NULL pointer: 1 for the factors, 2 for the prediction */
static int spoil_guards = 0;
static int spoil_network = 0;
static int spoil_golden = 0;
static uint32_t spoil_factor = ACC_DECEL_FACTOR_COUNT; /* whose bit is read wrongly */
static int spoil_reader = 0;                           /* 1: out_of_range, 2: not_available */
static int spoil_none = 0;
static float spoil_distance = 0.0F;
static float spoil_speed = 0.0F; /* the only speed whose distance is spoilt; 0: all */
static float spoil_scale = 0.0F; /* the only scale whose correction is spoilt; 0: all */
static int spoil_accepted = 0;   /* 1: always, 2: of a NULL pointer, 3: of a correction */
static int spoil_no_pointer = 0; /* of corrected: 1 prediction, 2 correction, 3 corrected */
static int spoil_corrected = 0;  /* the output to change, counted from 1 */
static int spoil_corrected_status = 0;
static float change = 1.0F; /* of an output that is spoilt */

acc_decel_status_t __real_acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
acc_decel_status_t __wrap_acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction);
uint32_t __real_acc_decel_guard_checksum(void);
uint32_t __wrap_acc_decel_guard_checksum(void);
uint32_t __real_acc_decel_network_checksum(void);
uint32_t __wrap_acc_decel_network_checksum(void);
uint32_t __real_acc_decel_crc(uint32_t crc, const acc_decel_memory_range_t ranges[], uint32_t count);
uint32_t __wrap_acc_decel_crc(uint32_t crc, const acc_decel_memory_range_t ranges[], uint32_t count);
bool __real_acc_decel_out_of_range(acc_decel_status_t status, uint32_t factor);
bool __wrap_acc_decel_out_of_range(acc_decel_status_t status, uint32_t factor);
bool __real_acc_decel_not_available(acc_decel_status_t status, uint32_t factor);
bool __wrap_acc_decel_not_available(acc_decel_status_t status, uint32_t factor);
acc_decel_factors_t __real_acc_decel_no_factors(void);
acc_decel_factors_t __wrap_acc_decel_no_factors(void);
float __real_acc_decel_stopping_distance(float speed, float deceleration, float delay);
float __wrap_acc_decel_stopping_distance(float speed, float deceleration, float delay);
bool __real_acc_decel_correction_accepted(const acc_decel_correction_t *correction);
bool __wrap_acc_decel_correction_accepted(const acc_decel_correction_t *correction);
acc_decel_status_t __real_acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                              const acc_decel_correction_t *correction,
                                              acc_decel_prediction_t *corrected);
acc_decel_status_t __wrap_acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                              const acc_decel_correction_t *correction,
                                              acc_decel_prediction_t *corrected);

acc_decel_status_t __wrap_acc_decel_predict(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    const acc_decel_status_t status = __real_acc_decel_predict(factors, prediction);
    calls++;
    if ((spoil_answer != 0) && (prediction != NULL)) {
        const int at = (spoil_answer > 0) ? (spoil_answer - 1) : (-spoil_answer - 1);
        float *const outputs = (float *)(void *)prediction;
        outputs[at] += (spoil_answer > 0) ? change : -change;
    }
    if (((spoil_null == 1) && (factors == NULL)) || ((spoil_null == 2) && (prediction == NULL))) {
        return 0U;
    }
    return status ^ (((spoil_call == 0U) || (spoil_call == calls)) ? (acc_decel_status_t)(unsigned)spoil_status : 0U);
}

uint32_t __wrap_acc_decel_guard_checksum(void)
{
    return __real_acc_decel_guard_checksum() ^ (uint32_t)spoil_guards;
}

uint32_t __wrap_acc_decel_network_checksum(void)
{
    return __real_acc_decel_network_checksum() ^ (uint32_t)spoil_network;
}

uint32_t __wrap_acc_decel_crc(uint32_t crc, const acc_decel_memory_range_t ranges[], uint32_t count)
{
    const int golden = (count == ACC_DECEL_GOLDEN_RANGE_COUNT) && (ranges[0].count == sizeof(acc_decel_golden_factors));
    return __real_acc_decel_crc(crc, ranges, count) ^ ((golden != 0) ? (uint32_t)spoil_golden : 0U);
}

bool __wrap_acc_decel_out_of_range(acc_decel_status_t status, uint32_t factor)
{
    return __real_acc_decel_out_of_range(status, factor) != ((spoil_reader == 1) && (factor == spoil_factor));
}

bool __wrap_acc_decel_not_available(acc_decel_status_t status, uint32_t factor)
{
    return __real_acc_decel_not_available(status, factor) != ((spoil_reader == 2) && (factor == spoil_factor));
}

acc_decel_factors_t __wrap_acc_decel_no_factors(void)
{
    acc_decel_factors_t factors = __real_acc_decel_no_factors();
    if (spoil_none != 0) {
        ((float *)(void *)&factors)[0] = 20.0F;
    }
    return factors;
}

float __wrap_acc_decel_stopping_distance(float speed, float deceleration, float delay)
{
    const int spoils = (spoil_speed == 0.0F) || (spoil_speed == speed);
    return __real_acc_decel_stopping_distance(speed, deceleration, delay) + (spoils ? spoil_distance : 0.0F);
}

bool __wrap_acc_decel_correction_accepted(const acc_decel_correction_t *correction)
{
    const int spoils = (spoil_accepted == 1) || (spoil_accepted == ((correction == NULL) ? 2 : 3));
    return __real_acc_decel_correction_accepted(correction) != (spoils != 0);
}

acc_decel_status_t __wrap_acc_decel_corrected(acc_decel_status_t status, const acc_decel_prediction_t *prediction,
                                              const acc_decel_correction_t *correction,
                                              acc_decel_prediction_t *corrected)
{
    const acc_decel_status_t result = __real_acc_decel_corrected(status, prediction, correction, corrected);
    if ((spoil_corrected != 0) && (prediction != NULL) && (correction != NULL) && (corrected != NULL) &&
        ((spoil_scale == 0.0F) || (spoil_scale == correction->scale))) {
        ((float *)(void *)corrected)[spoil_corrected - 1] += change;
    }
    if (((spoil_no_pointer == 1) && (prediction == NULL)) || ((spoil_no_pointer == 2) && (correction == NULL)) ||
        ((spoil_no_pointer == 3) && (corrected == NULL))) {
        return 0U;
    }
    return ((prediction != NULL) && (correction != NULL) && (corrected != NULL))
               ? result ^ (acc_decel_status_t)(unsigned)spoil_corrected_status
               : result;
}

/* The self-test is spoilt in one way, and must find it. */
static int finds(acc_decel_self_test_t expected)
{
    calls = 0U;
    return acc_decel_self_test() == expected;
}

static int self_tests(void)
{
    static const float small = 0.00005F; /* below ACC_DECEL_GOLDEN_TOLERANCE */
    int wrong = !finds(ACC_DECEL_SELF_TEST_PASSED);

    wrong += calls != (ACC_DECEL_GOLDEN_COUNT + 3U);
    spoil_status = 1;
    for (spoil_call = 0U; spoil_call <= (ACC_DECEL_GOLDEN_COUNT + 3U); spoil_call++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    }
    spoil_call = 0U;
    spoil_status = 0;
    for (spoil_null = 1; spoil_null <= 2; spoil_null++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    }
    spoil_null = 0;
    for (int at = 1; at <= (int)ACC_DECEL_OUTPUT_COUNT; at++) {
        for (spoil_answer = -at; spoil_answer <= at; spoil_answer += 2 * at) {
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
            change = small;
            wrong += !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
            spoil_distance = 1.0F; /* a fault after other bits, and before them */
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
            spoil_distance = 0.0F;
            change = ACC_DECEL_NOT_AVAILABLE;
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
            change = 1.0F;
        }
        spoil_answer = 0;
        spoil_corrected = at;
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
        change = small;
        wrong += !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
        change = 1.0F;
        spoil_corrected = 0;
    }
    spoil_guards = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_TABLES_ALTERED);
    spoil_guards = 0;
    spoil_network = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_TABLES_ALTERED);
    spoil_network = 0;
    spoil_golden = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_TABLES_ALTERED);
    spoil_golden = 0;
    for (spoil_reader = 1; spoil_reader <= 2; spoil_reader++) {
        for (spoil_factor = 0U; spoil_factor <= ACC_DECEL_FACTOR_COUNT; spoil_factor++) {
            wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
        }
    }
    spoil_reader = 0;
    spoil_none = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    spoil_none = 0;
    spoil_distance = 1.0F;
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
    for (uint32_t i = 0U; i < (ACC_DECEL_GOLDEN_DISTANCE_COUNT - 1U); i++) { /* the last ones are infinite */
        spoil_speed = acc_decel_golden_distances[i].speed;
        wrong += !finds((spoil_speed == 25.0F) ? ACC_DECEL_SELF_TEST_PASSED : ACC_DECEL_SELF_TEST_WRONG_ANSWER);
    }
    spoil_speed = 0.0F;
    spoil_distance = 0.0F;
    spoil_corrected = 1;
    for (uint32_t i = 0U; i < ACC_DECEL_GOLDEN_CORRECTION_COUNT; i++) {
        spoil_scale = acc_decel_golden_corrections[i].scale;
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_ANSWER);
    }
    spoil_scale = 0.0F;
    spoil_corrected = 0;
    spoil_distance = 1.0F;
    spoil_status = 1; /* of two faults, the first */
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    spoil_status = 0;
    spoil_distance = small;
    wrong += !finds(ACC_DECEL_SELF_TEST_OTHER_BITS);
    spoil_distance = 0.0F;
    for (spoil_accepted = 1; spoil_accepted <= 3; spoil_accepted++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    }
    spoil_accepted = 0;
    for (spoil_no_pointer = 1; spoil_no_pointer <= 3; spoil_no_pointer++) {
        wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    }
    spoil_no_pointer = 0;
    spoil_corrected_status = 1;
    wrong += !finds(ACC_DECEL_SELF_TEST_WRONG_STATUS);
    spoil_corrected_status = 0;
    return wrong;
}

static int helpers(void)
{
    const acc_decel_factors_t factors = acc_decel_no_factors();
    acc_decel_prediction_t prediction;
    const float *const columns = (const float *)(const void *)&factors;
    const float infinite = acc_decel_stopping_distance(20.0F, 0.0F, 0.3F);
    int wrong = 0;

    for (uint32_t i = 0U; i < ACC_DECEL_COLUMN_COUNT; i++) {
        wrong += columns[i] == columns[i];
    }
    wrong += __real_acc_decel_predict(NULL, &prediction) != ACC_DECEL_REFUSED;
    wrong += __real_acc_decel_predict(&factors, NULL) != ACC_DECEL_REFUSED;
    for (uint32_t i = 0U; i <= ACC_DECEL_FACTOR_COUNT; i++) {
        const int known = i < ACC_DECEL_FACTOR_COUNT;
        const acc_decel_status_t out = UINT64_C(1) << (ACC_DECEL_OUT_OF_RANGE_SHIFT + i);
        const acc_decel_status_t missing = UINT64_C(1) << (ACC_DECEL_NOT_AVAILABLE_SHIFT + i);
        wrong += (acc_decel_out_of_range(out, i) != known) + (acc_decel_out_of_range(~out, i) != 0);
        wrong += (acc_decel_not_available(missing, i) != known) + (acc_decel_not_available(~missing, i) != 0);
    }
    wrong += !((infinite > 3.0e38F) && (infinite == infinite + infinite));
    wrong += acc_decel_stopping_distance(20.0F, -1.0F, 0.3F) != infinite;
    wrong += acc_decel_stopping_distance(20.0F, 4.0F, 0.5F) != 60.0F;
    wrong += acc_decel_stopping_distance(0.0F, 0.0F, 0.0F) != infinite;
    wrong += acc_decel_crc(0U, NULL, 0U) != 0U;
    return wrong;
}

/* 1 if a correction of a prediction gives these decelerations, and these flags. */
static int corrects(acc_decel_correction_t correction, float lower_99, float lower, float median, float upper,
                    acc_decel_status_t flags)
{
    const acc_decel_status_t other = ACC_DECEL_OUTSIDE_DOMAIN;
    const acc_decel_status_t expected = other | flags;
    acc_decel_prediction_t is;
    int right = 1;

    for (int before = 0; before < 2; before++) { /* the flag of the prediction before does not matter */
        is.deceleration_lower_99 = 3.0F;
        is.deceleration_lower = 4.0F;
        is.deceleration = 6.0F;
        is.deceleration_upper = 8.0F;
        is.delay = 0.25F;
        right &=
            acc_decel_corrected(other | (before ? ACC_DECEL_BELOW_COMFORT : 0U), &is, &correction, &is) == expected;
        right &= (is.deceleration_lower_99 == lower_99) && (is.deceleration_lower == lower);
        right &= (is.deceleration == median) && (is.deceleration_upper == upper) && (is.delay == 0.25F);
    }
    return right;
}

static int accepts(float scale, float bias, float offset)
{
    const acc_decel_correction_t correction = {scale, bias, offset};
    const acc_decel_prediction_t before = {0};
    acc_decel_prediction_t after;
    const int accepted = acc_decel_correction_accepted(&correction);
    acc_decel_status_t status;

    (void)memset(&after, 0xA5, sizeof(after));
    status = acc_decel_corrected(0U, &before, &correction, &after);
    return accepted && ((status & ACC_DECEL_REFUSED) == 0U) && (*(unsigned char *)&after != 0xA5U);
}

static int refuses(float scale, float bias, float offset)
{
    const acc_decel_correction_t correction = {scale, bias, offset};
    const acc_decel_prediction_t before = {0};
    acc_decel_prediction_t after;
    const int accepted = acc_decel_correction_accepted(&correction);
    acc_decel_status_t status;

    (void)memset(&after, 0xA5, sizeof(after));
    status = acc_decel_corrected(1U, &before, &correction, &after);
    return !accepted && (status == (1U | ACC_DECEL_REFUSED)) && (*(unsigned char *)&after == 0xA5U);
}

static int corrections(void)
{
    const float nan = ACC_DECEL_NOT_AVAILABLE;
    const float max = ACC_DECEL_GREATEST_BIAS;
    const float beyond = 20.00001F;
    const acc_decel_status_t below = ACC_DECEL_BELOW_COMFORT;
    const acc_decel_status_t limited = ACC_DECEL_CORRECTION_LIMITED;
    const acc_decel_correction_t none = {1.0F, 0.0F, 0.0F};
    acc_decel_prediction_t prediction = {0};
    int wrong = 0;

    wrong += !corrects(none, 3.0F, 4.0F, 6.0F, 8.0F, 0);
    wrong += !corrects((acc_decel_correction_t){0.5F, 1.0F, 0.0F}, 2.5F, 3.0F, 4.0F, 5.0F, below);
    wrong += !corrects((acc_decel_correction_t){1.5F, 1.0F, 0.0F}, 3.0F, 4.0F, 10.0F, 13.0F, 0);
    wrong += !corrects((acc_decel_correction_t){1.0F, 0.0F, 0.5F}, 2.5F, 3.5F, 6.0F, 8.0F, 0);
    wrong += !corrects((acc_decel_correction_t){1.0F, 0.0F, 1.0F}, 2.0F, 3.0F, 6.0F, 8.0F, below);
    wrong += !corrects((acc_decel_correction_t){1.0F, 0.0F, -0.5F}, 3.0F, 4.5F, 6.0F, 8.0F, 0);
    wrong += !corrects((acc_decel_correction_t){1.0F, 0.0F, -3.0F}, 3.0F, 6.0F, 6.0F, 8.0F, 0);
    wrong += !corrects((acc_decel_correction_t){1.0F, 10.0F, 0.0F}, 3.0F, 4.0F, 16.0F, 18.0F, 0);
    wrong += !corrects((acc_decel_correction_t){1.0F, 10.5F, 0.0F}, 3.0F, 4.0F, 16.5F, 18.0F, limited);
    wrong += !corrects((acc_decel_correction_t){1.0F, 12.5F, -20.0F}, 3.0F, 18.0F, 18.0F, 18.0F, limited);
    wrong += !corrects((acc_decel_correction_t){1.0F, -7.0F, 0.0F}, -4.0F, -3.0F, -1.0F, 1.0F, below);
    wrong += !corrects((acc_decel_correction_t){1.0F, -7.5F, 0.0F}, -4.0F, -3.5F, -1.5F, 0.5F, below | limited);
    wrong += !corrects((acc_decel_correction_t){1.0F, -15.0F, 0.0F}, -4.0F, -4.0F, -4.0F, -4.0F, below | limited);
    wrong += !accepts(ACC_DECEL_LEAST_SCALE, max, max) + !accepts(ACC_DECEL_GREATEST_SCALE, -max, -max);
    wrong += !refuses(0.0999999F, 0.0F, 0.0F) + !refuses(10.000001F, 0.0F, 0.0F) + !refuses(nan, 0.0F, 0.0F);
    wrong += !refuses(1.0F, beyond, 0.0F) + !refuses(1.0F, -beyond, 0.0F) + !refuses(1.0F, nan, 0.0F);
    wrong += !refuses(1.0F, 0.0F, beyond) + !refuses(1.0F, 0.0F, -beyond) + !refuses(1.0F, 0.0F, nan);
    wrong += acc_decel_correction_accepted(NULL);
    wrong += acc_decel_corrected(0U, NULL, &none, &prediction) != ACC_DECEL_REFUSED;
    wrong += acc_decel_corrected(0U, &prediction, NULL, &prediction) != ACC_DECEL_REFUSED;
    wrong += acc_decel_corrected(0U, &prediction, &none, NULL) != ACC_DECEL_REFUSED;
    wrong += acc_decel_corrected(ACC_DECEL_REFUSED, &prediction, &none, &prediction) != ACC_DECEL_REFUSED;
    return wrong;
}

#if __has_include("acc_decel_fixed_layers.h")
#include "acc_decel_fixed_layers.h"

/* 1 if a layer without weights, whose sums are the maximum, gives the maximum 16-bit integer. The block is one of fixed
 * point; for the format shift, the same bytes are one word of codes without a power of two. */
static int saturates(void)
{
    static const acc_decel_fixed_layer_t layer = {2U, 1U, 0U};
    static const acc_decel_pair_t block[14] = {{0x7FFFFFFFU}, {0x7FFFFFFFU}, {0x7FFFFFFFU}, {0x7FFFFFFFU},
                                               {0x01010101U}, {0U},          {1U}};
    acc_decel_pair_t x[2] = {{0U}, {0U}};
    acc_decel_pair_t y[2] = {{0U}, {0U}};

    (void)acc_decel_fixed_layers(&layer, 1U, 0U, block, x, y);
    return (y[0].both == 0x7FFF7FFFU) && (y[1].both == 0x7FFF7FFFU);
}
#else
static int saturates(void)
{
    return 1;
}
#endif

int main(void)
{
    acc_decel_factors_t factors;
    acc_decel_prediction_t expected;
    acc_decel_status_t status;
    int wrong = helpers() + self_tests() + corrections() + !saturates();

    while ((fread(&factors, sizeof(factors), 1U, stdin) == 1U) &&
           (fread(&expected, sizeof(expected), 1U, stdin) == 1U) && (fread(&status, sizeof(status), 1U, stdin) == 1U)) {
        acc_decel_prediction_t is = expected;
        (void)memset(&is, 0xA5, sizeof(is));
        wrong += __real_acc_decel_predict(&factors, &is) != status;
        if ((status & ACC_DECEL_REFUSED) == 0U) {
            wrong += memcmp(&is, &expected, sizeof(is)) != 0;
        } else {
            wrong += *(unsigned char *)&is != 0xA5U;
        }
    }
    return (wrong != 0) ? 1 : 0;
}
