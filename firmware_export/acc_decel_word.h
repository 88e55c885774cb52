/* Internal: a float and its bits. Every file that computes with floats includes this header, because it also forbids
 * the compiler to fuse a multiplication and an addition, which changes the last bits. GCC has no such pragma: it needs
 * -std=c99 or -ffp-contract=off. */
#ifndef ACC_DECEL_WORD_H
#define ACC_DECEL_WORD_H

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

#endif
