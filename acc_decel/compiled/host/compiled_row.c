/* The network of the firmware under another name: compiled_batch.c calls it in place of acc_decel.c. */

#include "compiled_network.h"

#define acc_decel_network compiled_row_network
#include "acc_decel_float.c"
