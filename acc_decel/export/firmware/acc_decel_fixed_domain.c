/* The trained domain in fixed point: a score of rectified units, above 0 outside the domain. Its weights are in
 * acc_decel_domain_tables.h, the loops of its layers in acc_decel_fixed_layers.c. Nothing branches on values. */

#include "acc_decel_fixed_domain.h"

#include "acc_decel_domain_tables.h"
#include "acc_decel_fixed_layers.h"
#include "acc_decel_network.h"

#include <stdbool.h>
#include <stdint.h>

#define SIGN 0x80000000U /* added, it makes unsigned comparison order signed numbers */

bool acc_decel_unfamiliar(const acc_decel_pair_t entered[])
{
    acc_decel_pair_t buffers[2][ACC_DECEL_DOMAIN_WIDEST_PAIRS];
    uint32_t score[ACC_DECEL_DOMAIN_SCORE_ROOM];
    const acc_decel_pair_t *const last = buffers[(ACC_DECEL_DOMAIN_LAYERS + 1U) % 2U];
    const acc_decel_pair_t *next;

    for (uint32_t i = 0U; i < (ACC_DECEL_DOMAIN_INPUTS / 2U); i++) {
        buffers[0][i].one[0] = acc_decel_got(entered, domain_inputs[2U * i]);
        buffers[0][i].one[1] = acc_decel_got(entered, domain_inputs[(2U * i) + 1U]);
    }
    next =
        acc_decel_fixed_layers(domain_layers, ACC_DECEL_DOMAIN_LAYERS - 1U, 0U, domain_weights, buffers[0], buffers[1]);
    (void)acc_decel_fixed_sums(&domain_layers[ACC_DECEL_DOMAIN_LAYERS - 1U], next, last, score);
    return (score[0] + SIGN) > SIGN; /* the signed sum is above 0 */
}

uint32_t acc_decel_domain_crc(uint32_t crc)
{
    return acc_decel_crc(crc, domain_ranges, ACC_DECEL_DOMAIN_RANGE_COUNT);
}
