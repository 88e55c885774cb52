/* The constants of the physics features, in a file of their own: the code of the features is the same for every
 * vehicle, and no compiler can change it for the numbers of one. */

#include "acc_decel_constants.h"

#include "acc_decel_feature_tables.h"
#include "acc_decel_network.h"

#include <stdint.h>

const acc_decel_constants_t *acc_decel_constants(void)
{
    return constants;
}

uint32_t acc_decel_constants_crc(uint32_t crc)
{
    return acc_decel_crc(crc, feature_ranges, ACC_DECEL_FEATURE_RANGE_COUNT);
}
