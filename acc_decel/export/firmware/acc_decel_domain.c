/* The trained domain in float32: a score of rectified units, above 0 outside the domain. Its weights are in
 * acc_decel_domain_tables.h, the loops of its layers in acc_decel_layers.c. Nothing branches on values. */

#include "acc_decel_domain.h"

#include "acc_decel_domain_tables.h"
#include "acc_decel_layers.h"
#include "acc_decel_network.h"

#include <stdbool.h>
#include <stdint.h>

bool acc_decel_unfamiliar(const float entered[])
{
    float buffers[2][ACC_DECEL_DOMAIN_WIDEST];
    const float *const score = buffers[ACC_DECEL_DOMAIN_LAYERS % 2U];

    for (uint32_t i = 0U; i < ACC_DECEL_DOMAIN_INPUTS; i += 4U) { /* may copy up to three values too many */
        buffers[0][i] = entered[domain_inputs[i]];
        buffers[0][i + 1U] = entered[domain_inputs[i + 1U]];
        buffers[0][i + 2U] = entered[domain_inputs[i + 2U]];
        buffers[0][i + 3U] = entered[domain_inputs[i + 3U]];
    }
    (void)acc_decel_layers(domain_layers, ACC_DECEL_DOMAIN_LAYERS, 0U, domain_weights, buffers[0], buffers[1]);
    return score[0] > 0.0F;
}

uint32_t acc_decel_domain_crc(uint32_t crc)
{
    return acc_decel_crc(crc, domain_ranges, ACC_DECEL_DOMAIN_RANGE_COUNT);
}
