/* Inside of the network in fixed point: the trained domain, told by a small score on what enters the network. */
#ifndef ACC_DECEL_FIXED_DOMAIN_H
#define ACC_DECEL_FIXED_DOMAIN_H

#include "acc_decel_fixed_layers.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether training never showed such a combination: the score is above 0. `entered` is what enters the network: free
 * columns, gated columns times (1 - gate), availability, forced columns. */
bool acc_decel_unfamiliar(const acc_decel_pair_t entered[]);

/* Carries the CRC-32 `crc` on over the tables of the score. */
uint32_t acc_decel_domain_crc(uint32_t crc);

#endif
