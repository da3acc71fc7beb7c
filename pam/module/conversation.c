/*
 * The application's conversation. Converse, use, wipe, free: in this order on each path, and before anybody
 * looks at how it went. Specification: pam_conv(3); what else can go wrong: CVE-2025-24031.
 */
#define _GNU_SOURCE /* explicit_bzero */
#include "conversation.h"

#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>

/* True if the application says success. `responses` may be NULL all the same, and so may its text. */
static bool converse(pam_handle_t *pamh, int style, const char *text, struct pam_response **responses) {
    const void *item = NULL;
    *responses = NULL;
    if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || item == NULL)
        return false;
    const struct pam_conv *conversation = item;
    if (conversation->conv == NULL)
        return false;
    const struct pam_message message = {.msg_style = style, .msg = text};
    const struct pam_message *messages = &message;
    return conversation->conv(1, &messages, responses, conversation->appdata_ptr) == PAM_SUCCESS;
}

/* As pam_prompt(3) does, also after an error: an application that gave memory gave it to be freed. */
static void wipe_and_free(struct pam_response *responses) {
    if (responses == NULL)
        return;
    if (responses->resp != NULL) {
        explicit_bzero(responses->resp, strlen(responses->resp));
        free(responses->resp);
    }
    free(responses);
}

void conversation_ask(pam_handle_t *pamh, bool echo, const char *text, struct answer_frame *answer) {
    struct pam_response *responses;
    memset(answer, 0, sizeof *answer);
    answer->status = ANSWER_FAILED;
    bool went_well = converse(pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, text, &responses);
    if (went_well && responses != NULL && responses->resp != NULL) {
        size_t length = strnlen(responses->resp, FRAME_FIELD_MAX + 1);
        if (length <= FRAME_FIELD_MAX) {
            memcpy(answer->secret, responses->resp, length);
            answer->length = (uint16_t)length;
            answer->status = ANSWER_GIVEN;
        }
    }
    wipe_and_free(responses);
}

void conversation_tell(pam_handle_t *pamh, enum tell_kind kind, const char *text) {
    struct pam_response *responses;
    converse(pamh, kind == TELL_ERROR ? PAM_ERROR_MSG : PAM_TEXT_INFO, text, &responses);
    wipe_and_free(responses);
}
