/*
 * The one table (phase, verdict) → PAM code. A pair that is not here is refused. There is no row that makes
 * libpam skip us: a module that can be skipped was how others were bypassed.
 * Specification: PROTOCOL.md, section 1.5.
 */
#include "verdict.h"

#include <security/_pam_types.h>

struct row {
    uint8_t phase;
    uint8_t code;
    int pam;
};

static const struct row TABLE[] = {
    {PHASE_AUTHENTICATE, VERDICT_GRANTED, PAM_SUCCESS},
    {PHASE_AUTHENTICATE, VERDICT_DENIED, PAM_AUTH_ERR},
    {PHASE_AUTHENTICATE, VERDICT_UNAVAILABLE, PAM_AUTHINFO_UNAVAIL},
    {PHASE_AUTHENTICATE, VERDICT_CANCELLED, PAM_CONV_ERR},
    {PHASE_AUTHENTICATE, VERDICT_UNKNOWN_USER, PAM_USER_UNKNOWN},
    {PHASE_AUTHENTICATE, VERDICT_CARD_REQUIRED, PAM_AUTH_ERR},

    {PHASE_ACCOUNT, VERDICT_PERMITTED, PAM_SUCCESS},
    {PHASE_ACCOUNT, VERDICT_DENIED, PAM_PERM_DENIED},
    {PHASE_ACCOUNT, VERDICT_UNAVAILABLE, PAM_AUTHINFO_UNAVAIL},
    {PHASE_ACCOUNT, VERDICT_CANCELLED, PAM_PERM_DENIED},
    {PHASE_ACCOUNT, VERDICT_UNKNOWN_USER, PAM_USER_UNKNOWN},
    {PHASE_ACCOUNT, VERDICT_CARD_REQUIRED, PAM_PERM_DENIED},

    {PHASE_CHAUTHTOK, VERDICT_PERMITTED, PAM_SUCCESS},
    {PHASE_CHAUTHTOK, VERDICT_DENIED, PAM_AUTHTOK_ERR},
    {PHASE_CHAUTHTOK, VERDICT_UNAVAILABLE, PAM_AUTHINFO_UNAVAIL},
    {PHASE_CHAUTHTOK, VERDICT_CANCELLED, PAM_CONV_ERR},
    {PHASE_CHAUTHTOK, VERDICT_UNKNOWN_USER, PAM_USER_UNKNOWN},
    {PHASE_CHAUTHTOK, VERDICT_CARD_REQUIRED, PAM_AUTHTOK_ERR},
};

int verdict_refusal(enum phase phase) {
    /* These three protect nothing: the door was authenticate and account. */
    if (phase == PHASE_SETCRED || phase == PHASE_OPEN_SESSION || phase == PHASE_CLOSE_SESSION)
        return PAM_SUCCESS;
    return PAM_AUTHINFO_UNAVAIL;
}

int verdict_to_pam(enum phase phase, uint8_t code) {
    int pam = verdict_refusal(phase);
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++)
        if (TABLE[i].phase == phase && TABLE[i].code == code)
            pam = TABLE[i].pam;
    return pam;
}
