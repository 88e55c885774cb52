/* Task of the ACC unit on a virtual ECU, on the host and on a core: every answer to one mailbox. */

#include "acc_mailbox.h"

void task(mailbox_t *mailbox)
{
    const acc_decel_acc_t *const acc = &mailbox->acc;
    float *const answers = mailbox->answers;
    acc_decel_acc_warning_t warning = {answers[4], false};

    mailbox->status[0] = acc_decel_acc_safe_gap(acc, &answers[0]);
    mailbox->status[1] = acc_decel_acc_time_gap(acc, &answers[1]);
    mailbox->status[2] = acc_decel_acc_required_deceleration(acc, mailbox->wait, &answers[2]);
    mailbox->status[3] = acc_decel_acc_latest_braking_distance(acc, &answers[3]);
    mailbox->status[4] = acc_decel_acc_warning(acc, &warning);
    answers[4] = warning.distance;
    if (mailbox->status[4] == 0U) {
        answers[5] = warning.is_due ? 1.0F : 0.0F;
    }
    answers[6] = acc_decel_acc_lead_upper(acc->deceleration, mailbox->reserve);
}
