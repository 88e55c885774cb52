/* Internal to the network without multiplications: the layers of acc_decel_fixed_layers.h; each weight is a sum of
 * signed powers of two. acc_decel_shift_layers.c replaces acc_decel_fixed_layers.c. For little-endian cores.
 *
 * A block of four outputs is stored as four biases, one word with their first shifts and one with their second shifts,
 * one byte each, the number of words that follow, and the codes of the four outputs, padded to whole words. The codes
 * of an output are bytes: the number of powers of two that it uses; then for each power, from the largest to the
 * smallest, the number of its terms, which is even, and the terms. The term 0 adds nothing, 2 + 2i adds input i, 3 + 2i
 * adds -1 - input i; the bias compensates the -1. */
#ifndef ACC_DECEL_SHIFT_LAYERS_H
#define ACC_DECEL_SHIFT_LAYERS_H

#include <stdint.h>

#define ACC_DECEL_MAX_INPUTS 64U /* of a layer */
#define ACC_DECEL_QUARTER_SQUARES 511U

/* n * n / 4, rounded down. */
extern const uint16_t acc_decel_quarter_squares[ACC_DECEL_QUARTER_SQUARES];

#endif
