/* Task of the virtual ECU on QEMU: reads mailboxes from a file of the host and writes the answers to another file,
 * through semihosting. */

#include "mailbox.h"

#include <stdio.h>

const uint32_t acc_decel_target_columns = ACC_DECEL_COLUMN_COUNT; /* read from the image, to lay out mailboxes */

static int answered(FILE *in, FILE *out)
{
    mailbox_t mailbox;
    int failed = 0;

    while ((failed == 0) && (fread(&mailbox, sizeof(mailbox), 1U, in) == 1U)) {
        mailbox.status = acc_decel_predict(&mailbox.factors, &mailbox.prediction);
        failed = fwrite(&mailbox, sizeof(mailbox), 1U, out) != 1U;
    }
    return failed;
}

/* The result of the self-test if it did not pass, 5 if a file cannot be opened or written. */
int main(void)
{
    FILE *const in = fopen("mailboxes.bin", "rb");
    FILE *const out = fopen("answers.bin", "wb");
    int failed = (int)acc_decel_self_test();

    if (failed == 0) {
        failed = ((in == NULL) || (out == NULL) || (answered(in, out) != 0) || (fclose(out) != 0)) ? 5 : 0;
    }
    return failed;
}
