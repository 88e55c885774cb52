/* Internal: the constants of the physics features; acc_decel_values.h has the struct. */
#ifndef ACC_DECEL_CONSTANTS_H
#define ACC_DECEL_CONSTANTS_H

#include "acc_decel_values.h"

#include <stdint.h>

/* The constants of the vehicle. */
const acc_decel_constants_t *acc_decel_constants(void);

/* Continues the CRC-32 `crc` over them. */
uint32_t acc_decel_constants_crc(uint32_t crc);

#endif
