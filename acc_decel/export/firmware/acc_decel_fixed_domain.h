/* Internal to the network in fixed point: is an event inside the trained domain? A small score of the network's inputs
 * says so. */
#ifndef ACC_DECEL_FIXED_DOMAIN_H
#define ACC_DECEL_FIXED_DOMAIN_H

#include "acc_decel_fixed_layers.h"

#include <stdbool.h>
#include <stdint.h>

/* True if such a combination is rare in the training data: the score is above 0. `entered` are the inputs of the
 * network: free inputs, gated inputs times (1 - gate), availability, forced inputs. */
bool acc_decel_unfamiliar(const acc_decel_pair_t entered[]);

/* Continues the CRC-32 `crc` over the tables of the score. */
uint32_t acc_decel_domain_crc(uint32_t crc);

#endif
