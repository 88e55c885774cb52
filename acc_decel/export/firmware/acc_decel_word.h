/* Internal: a float and its bits. */
#ifndef ACC_DECEL_WORD_H
#define ACC_DECEL_WORD_H

#include <stdint.h>

typedef union {
    float value;
    uint32_t bits;
} acc_decel_word_t;

#endif
