/*
 * Applies a verdict: items first, then the message. A grant whose items cannot be set is no grant.
 * Specification: PROTOCOL.md, section 1.3.
 */
#include "outcome.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>
#include <syslog.h>

#include "conversation.h"
#include "verdict.h"

#define TOKEN_VARIABLE "PKCS11_LOGIN_TOKEN_NAME="

/* A grant is for one user: the one that begin named, or, if it named none, the one that the verdict names. */
static bool grant_names_its_user(const char *named_user, const struct frame_field *user) {
    if (named_user == NULL)
        return user->present && user->length > 0;
    return !user->present || strcmp(user->data, named_user) == 0;
}

/* False if the application changed the user while it was being asked: the verdict was for another one. */
static bool user_is_still(pam_handle_t *pamh, const char *named_user) {
    const void *item = NULL;
    if (pam_get_item(pamh, PAM_USER, &item) != PAM_SUCCESS)
        return false;
    const char *user = item == NULL ? "" : item;
    return strcmp(user, named_user == NULL ? "" : named_user) == 0;
}

/* PAM_AUTHTOK is a C string: a NUL byte would cut it, and the rest of the stack would see another secret. */
static bool is_c_string(const struct frame_field *field) {
    return memchr(field->data, '\0', field->length) == NULL;
}

/* False leaves no item of ours behind. */
static bool set_items(pam_handle_t *pamh, const char *named_user, const struct agent_frame *frame) {
    if (!grant_names_its_user(named_user, &frame->user) || !is_c_string(&frame->authtok)) {
        pam_syslog(pamh, LOG_ERR, "scauthd granted without a fitting user or secret; refused");
        return false;
    }
    if (named_user == NULL && pam_set_item(pamh, PAM_USER, frame->user.data) != PAM_SUCCESS) {
        pam_syslog(pamh, LOG_ERR, "cannot set the user; refused");
        return false;
    }
    /* libpam keeps and wipes its own copy. */
    if (frame->authtok.length > 0 && pam_set_item(pamh, PAM_AUTHTOK, frame->authtok.data) != PAM_SUCCESS) {
        pam_syslog(pamh, LOG_ERR, "cannot hand on the keyring secret; refused");
        if (named_user == NULL)
            (void)pam_set_item(pamh, PAM_USER, NULL);
        return false;
    }
    return true;
}

/*
 * What was typed at the card's prompt and cannot be a PIN is the password: the next module need not ask
 * again. If it cannot be handed on, that module asks, as if we had not been there.
 */
static void hand_on_password(pam_handle_t *pamh, const struct frame_field *typed) {
    if (typed->length > 0 && is_c_string(typed))
        (void)pam_set_item(pamh, PAM_AUTHTOK, typed->data);
}

/* Desktops compare it with the names of the cards that are in, and so know when the one of this login goes
 * (gsd-smartcard of GNOME). A session without it goes by no card's removal: no reason to refuse. */
static void name_token(pam_handle_t *pamh, const char *token_name) {
    char entry[sizeof TOKEN_VARIABLE + FRAME_TOKEN_NAME_MAX];
    if (token_name[0] == '\0')
        return;
    strcpy(entry, TOKEN_VARIABLE);
    strcat(entry, token_name);
    if (pam_putenv(pamh, entry) != PAM_SUCCESS)
        pam_syslog(pamh, LOG_WARNING, "cannot name the card in the session's environment");
}

int outcome_apply(pam_handle_t *pamh, enum phase phase, bool silent, const char *named_user,
                  const char *token_name, const struct agent_frame *frame) {
    int code = verdict_to_pam(phase, frame->code);
    if (code == PAM_SUCCESS && !user_is_still(pamh, named_user)) {
        pam_syslog(pamh, LOG_ERR, "the user was changed during the conversation; refused");
        return verdict_refusal(phase);
    }
    bool granted = phase == PHASE_AUTHENTICATE && code == PAM_SUCCESS;
    if (granted && !set_items(pamh, named_user, frame))
        return verdict_refusal(phase); /* its message would speak of a success */
    if (granted)
        name_token(pamh, token_name);
    if (phase == PHASE_AUTHENTICATE && !granted)
        hand_on_password(pamh, &frame->authtok);
    if (frame->message.length > 0 && !(silent && code == PAM_SUCCESS))
        conversation_tell(pamh, code == PAM_SUCCESS ? TELL_INFORMATION : TELL_ERROR, frame->message.data);
    return code;
}
