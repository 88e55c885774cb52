/* Internal: a float and its bits, and choices without a branch. Every file that computes with floats includes this
 * header, because it also forbids the compiler to fuse a multiplication and an addition, which changes the last bits.
 * GCC has no such pragma: it needs -std=c99 or -ffp-contract=off. */
#ifndef ACC_DECEL_WORD_H
#define ACC_DECEL_WORD_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

typedef union {
    float value;
    uint32_t bits;
} acc_decel_word_t;

static inline float acc_decel_smaller(float x, float y)
{
    return (x < y) ? x : y;
}

static inline float acc_decel_larger(float x, float y)
{
    return (x > y) ? x : y;
}

static inline bool acc_decel_has(uint32_t available, uint32_t column)
{
    return ((available >> column) & 1U) != 0U;
}

/* All ones if a column is available, else 0. */
static inline uint32_t acc_decel_mask(uint32_t available, uint32_t column)
{
    return 0U - ((available >> column) & 1U);
}

/* The value if `mask` is all ones, 0 if it is 0. */
static inline float acc_decel_value_or_0(uint32_t mask, float value)
{
    acc_decel_word_t word;

    word.value = value;
    word.bits &= mask;
    return word.value;
}

#endif
