/* Inside of the network without multiplications: the layers of acc_decel_fixed_layers.h, each weight a sum of signed
 * powers of two. acc_decel_shift_layers.c takes the place of acc_decel_fixed_layers.c. For little-endian cores.
 *
 * A block of four outputs is stored as four biases, one word with their first shifts and one with their second, a byte
 * each, the number of words that follow, and the codes of the four outputs, filled up to whole words. The codes of an
 * output are bytes: how many powers of two it uses, then for each, the greatest first, how many terms it has, an even
 * number, and the terms. The term 0 adds nothing, 2 + 2i adds input i, 3 + 2i adds -1 - input i: the bias makes up for
 * the -1. */
#ifndef ACC_DECEL_SHIFT_LAYERS_H
#define ACC_DECEL_SHIFT_LAYERS_H

#include <stdint.h>

#define ACC_DECEL_MOST_INPUTS 64U /* of a layer */
#define ACC_DECEL_QUARTER_SQUARES 511U

/* n * n / 4, rounded down. */
extern const uint16_t acc_decel_quarter_squares[ACC_DECEL_QUARTER_SQUARES];

#endif
