/* Two exported models in one program: both self-tests, then both answer every event of events.bin. */

#include "acc_decel.h"
#include "acc_decel_correction.h"
#include "trailer_acc_decel.h"
#include "trailer_acc_decel_correction.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    acc_decel_prediction_t prediction; /* zeros if refused */
    trailer_acc_decel_prediction_t trailer;
    acc_decel_status_t status;
    trailer_acc_decel_status_t trailer_status;
} answer_t;

static int answered(FILE *in, FILE *out)
{
    acc_decel_factors_t factors;
    int failed = 0;

    while ((failed == 0) && (fread(&factors, sizeof(factors), 1U, in) == 1U)) {
        trailer_acc_decel_factors_t same;
        answer_t answer;

        (void)memset(&answer, 0, sizeof(answer));
        (void)memcpy(&same, &factors, sizeof(same));
        answer.status = acc_decel_predict(&factors, &answer.prediction);
        answer.trailer_status = trailer_acc_decel_predict(&same, &answer.trailer);
        failed = fwrite(&answer, sizeof(answer), 1U, out) != 1U;
    }
    return failed;
}

/* 10 and the result of the self-test that did not pass, 20 more for that of the trailer; 1 if a file fails. */
int main(void)
{
    FILE *const in = fopen("events.bin", "rb");
    FILE *const out = fopen("answers.bin", "wb");
    const int first = (int)acc_decel_self_test();
    const int second = (int)trailer_acc_decel_self_test();
    int failed = 0;

    if (first != 0) {
        failed = 10 + first;
    } else if (second != 0) {
        failed = 30 + second;
    } else {
        failed = ((in == NULL) || (out == NULL) || (answered(in, out) != 0) || (fclose(out) != 0)) ? 1 : 0;
    }
    return failed;
}
