/* The ACC unit on the host: answers many mailboxes in one call, so that Python calls once and not once for each. */

#include "acc_mailbox.h"

#include <stddef.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif

EXPORTED void acc_decel_acc_host_batch(size_t count, mailbox_t *batch);

void acc_decel_acc_host_batch(size_t count, mailbox_t *batch)
{
    for (size_t i = 0U; i < count; i++) {
        task(&batch[i]);
    }
}
