/*
 * Reads PAM_AUTHTOK, which the module before us (pam_unix) has set to the new password; libpam keeps its own
 * copy. Specification: pam_get_item(3), pam_sm_chauthtok(3).
 */
#include "take.h"

#include <security/pam_modules.h>
#include <string.h>

void take_new_password(pam_handle_t *pamh, struct answer_frame *answer) {
    const void *item = NULL;
    memset(answer, 0, sizeof *answer);
    answer->status = ANSWER_FAILED;
    if (pam_get_item(pamh, PAM_AUTHTOK, &item) != PAM_SUCCESS || item == NULL)
        return;
    size_t length = strnlen(item, FRAME_FIELD_MAX + 1);
    if (length == 0 || length > FRAME_FIELD_MAX)
        return;
    memcpy(answer->secret, item, length);
    answer->length = (uint16_t)length;
    answer->status = ANSWER_GIVEN;
}
