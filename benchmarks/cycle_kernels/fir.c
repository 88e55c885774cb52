/* A filter of TAPS coefficients: eight outputs at a time, eight taps a round; the next tap is
 * loaded between the products of one and their sums. Reads beyond `x` as CMSIS-DSP does from its
 * state: the first TAPS - 1 outputs are of an empty state and not of interest here. */

#include "acc_decel.h"

#define PRODUCTS(a, b, c, d, e, f, g, h)                                                                               \
    p0 = a * coefficient;                                                                                              \
    p1 = b * coefficient;                                                                                              \
    p2 = c * coefficient;                                                                                              \
    p3 = d * coefficient;                                                                                              \
    p4 = e * coefficient;                                                                                              \
    p5 = f * coefficient;                                                                                              \
    p6 = g * coefficient;                                                                                              \
    p7 = h * coefficient;
#define LOADS(sample)                                                                                                  \
    coefficient = *taps++;                                                                                             \
    sample = *in++;
#define SUMS                                                                                                           \
    sum0 += p0;                                                                                                        \
    sum1 += p1;                                                                                                        \
    sum2 += p2;                                                                                                        \
    sum3 += p3;                                                                                                        \
    sum4 += p4;                                                                                                        \
    sum5 += p5;                                                                                                        \
    sum6 += p6;                                                                                                        \
    sum7 += p7;

static float state[SAMPLES + TAPS];

void kernel(const float *x, float *y, const float *coefficients)
{
    float *newest = &state[TAPS - 1U];
    const float *oldest = state;

    for (uint32_t block = SAMPLES / 8U; block > 0U; block--) {
        const float *taps = coefficients;
        const float *in = oldest;
        float sum0 = 0.0F;
        float sum1 = 0.0F;
        float sum2 = 0.0F;
        float sum3 = 0.0F;
        float sum4 = 0.0F;
        float sum5 = 0.0F;
        float sum6 = 0.0F;
        float sum7 = 0.0F;
        float s0;
        float s1;
        float s2;
        float s3;
        float s4;
        float s5;
        float s6;
        float s7;
        float p0;
        float p1;
        float p2;
        float p3;
        float p4;
        float p5;
        float p6;
        float p7;
        float coefficient;

        for (uint32_t i = 0U; i < 8U; i++) {
            *newest++ = *x++;
        }
        s0 = *in++;
        s1 = *in++;
        s2 = *in++;
        s3 = *in++;
        s4 = *in++;
        s5 = *in++;
        s6 = *in++;
        for (uint32_t round = TAPS / 8U; round > 0U; round--) {
            LOADS(s7)
            PRODUCTS(s0, s1, s2, s3, s4, s5, s6, s7)
            LOADS(s0)
            SUMS PRODUCTS(s1, s2, s3, s4, s5, s6, s7, s0) LOADS(s1) SUMS PRODUCTS(s2, s3, s4, s5, s6, s7, s0, s1)
                LOADS(s2) SUMS PRODUCTS(s3, s4, s5, s6, s7, s0, s1, s2) LOADS(s3)
                    SUMS PRODUCTS(s4, s5, s6, s7, s0, s1, s2, s3) LOADS(s4)
                        SUMS PRODUCTS(s5, s6, s7, s0, s1, s2, s3, s4) LOADS(s5)
                            SUMS PRODUCTS(s6, s7, s0, s1, s2, s3, s4, s5) LOADS(s6)
                                SUMS PRODUCTS(s7, s0, s1, s2, s3, s4, s5, s6) SUMS
        }
        oldest = &oldest[8];
        *y++ = sum0;
        *y++ = sum1;
        *y++ = sum2;
        *y++ = sum3;
        *y++ = sum4;
        *y++ = sum5;
        *y++ = sum6;
        *y++ = sum7;
    }
}
