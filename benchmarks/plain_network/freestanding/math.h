/* What emlearn and emx-onnx-cgen ask of <math.h> on a core without a C library. A network of rectifiers calls none of the
 * functions that do nothing here: they only let the code link, smaller than it would be with a library. */
#ifndef FREESTANDING_MATH_H
#define FREESTANDING_MATH_H

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define isfinite(x) __builtin_isfinite(x)

static inline float expf(float x)
{
    return x;
}

static inline float tanhf(float x)
{
    return x;
}

static inline float logf(float x)
{
    return x;
}

static inline float sqrtf(float x)
{
    return x;
}

static inline float fabsf(float x)
{
    return __builtin_fabsf(x);
}

static inline float fmaxf(float a, float b)
{
    return (isnan(a) || (a < b)) ? b : a;
}

static inline float fminf(float a, float b)
{
    return (isnan(a) || (b < a)) ? b : a;
}

#endif
