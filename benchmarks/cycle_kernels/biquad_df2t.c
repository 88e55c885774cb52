/* One second-order filter in the transposed direct form II, four samples a round:
 * y = b0 x + d1; d1 = b1 x + a1 y + d2; d2 = b2 x + a2 y. */

#include "acc_decel.h"

#define NEXT(in, out)                                                                                                  \
    out = (b0 * in) + d1;                                                                                              \
    d1 = ((b1 * in) + (a1 * out)) + d2;                                                                                \
    d2 = (b2 * in) + (a2 * out);

void kernel(const float *x, float *y, const float *coefficients)
{
    const float b0 = coefficients[0];
    const float b1 = coefficients[1];
    const float b2 = coefficients[2];
    const float a1 = coefficients[3];
    const float a2 = coefficients[4];
    float d1 = coefficients[5];
    float d2 = coefficients[6];

    for (uint32_t round = SAMPLES / 4U; round > 0U; round--) {
        const float x0 = x[0];
        const float x1 = x[1];
        const float x2 = x[2];
        const float x3 = x[3];
        float y0;
        float y1;
        float y2;
        float y3;

        x = &x[4];
        NEXT(x0, y0)
        NEXT(x1, y1)
        NEXT(x2, y2)
        NEXT(x3, y3)
        y[0] = y0;
        y[1] = y1;
        y[2] = y2;
        y[3] = y3;
        y = &y[4];
    }
}
