/* One second-order filter in the direct form I, four samples a round: y = b0 x + b1 x' + b2 x'' + a1 y' + a2 y''. */

#include "acc_decel.h"

#define NEXT(in, in_1, in_2, out, out_1)                                                                               \
    in = *x++;                                                                                                         \
    out = (b0 * in) + (b1 * in_1) + (b2 * in_2) + (a1 * out_1) + (a2 * out);                                           \
    *y++ = out;

void kernel(const float *x, float *y, const float *coefficients)
{
    const float b0 = coefficients[0];
    const float b1 = coefficients[1];
    const float b2 = coefficients[2];
    const float a1 = coefficients[3];
    const float a2 = coefficients[4];
    float x0;
    float x1 = coefficients[5];
    float x2 = coefficients[6];
    float y1 = coefficients[7];
    float y2 = coefficients[8];

    for (uint32_t round = SAMPLES / 4U; round > 0U; round--) {
        NEXT(x0, x1, x2, y2, y1)
        NEXT(x2, x0, x1, y1, y2)
        NEXT(x1, x2, x0, y2, y1)
        NEXT(x0, x1, x2, y1, y2)
        x2 = x1;
        x1 = x0;
    }
}
