/* The network of the firmware under another name: compiled_batch.c stands between it and acc_decel.c. */

#include "compiled_network.h"

#define acc_decel_network compiled_row_network
#include "acc_decel_float.c"
