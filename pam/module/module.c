/*
 * The six entry points of pam_scauth.so. Each says which phase it is and lets the relay carry it to scauthd;
 * none of them decides anything. Specification: pam(3), PROTOCOL.md, section 1.5.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

#include "account.h"
#include "happened.h"
#include "options.h"
#include "relay.h"

#define EXPORTED __attribute__((visibility("default")))

/* A wallet or a mount behind us that wants the password and finds none asks for it; programs that answer each
 * prompt with what was typed first then give it the PIN, and the PIN is in PAM_AUTHTOK. With an empty one
 * they do nothing. */
static void leave_nothing_to_ask(pam_handle_t *pamh) {
    const void *secret = NULL;
    if (pam_get_item(pamh, PAM_AUTHTOK, &secret) == PAM_SUCCESS && secret == NULL)
        (void)pam_set_item(pamh, PAM_AUTHTOK, "");
}

/* Whoever gets no verdict was asked all the same: that is noted before anything can go wrong. */
static int authenticate(pam_handle_t *pamh, const struct options *options, int flags) {
    enum relay_end end;
    happened_note(pamh, HAPPENED_NO_VERDICT);
    int code = relay_run(pamh, options, PHASE_AUTHENTICATE, flags, 0, &end);
    if (end == RELAY_ANSWERED)
        happened_note(pamh, HAPPENED_VERDICT);
    if (code == PAM_SUCCESS && options->only_secret)
        leave_nothing_to_ask(pamh);
    return code;
}

static int run_with(pam_handle_t *pamh, const struct options *options, enum phase phase, int flags) {
    int code;
    enum relay_end end;
    if (phase == PHASE_AUTHENTICATE)
        code = authenticate(pamh, options, flags);
    else if (phase == PHASE_ACCOUNT)
        code = account_run(pamh, options, flags);
    else
        code = relay_run(pamh, options, phase, flags, 0, &end);
    if (options->debug)
        pam_syslog(pamh, LOG_DEBUG, "phase %d, flags %#x, socket %s: %s", phase, (unsigned)flags,
                   options->address.sun_path, pam_strerror(pamh, code));
    return code;
}

static int run_phase(pam_handle_t *pamh, enum phase phase, int flags, int argc, const char **argv) {
    struct options options;
    options_parse(pamh, argc, argv, &options);
    return run_with(pamh, &options, phase, flags);
}

/* With `enforce` this is the account phase at the end of an auth stack, for programs that never come to that
 * phase. It can only say no: what permits without a card must not count as an authentication. */
EXPORTED int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    struct options options;
    options_parse(pamh, argc, argv, &options);
    if (!options.enforce)
        return run_with(pamh, &options, PHASE_AUTHENTICATE, flags);
    int code = run_with(pamh, &options, PHASE_ACCOUNT, flags);
    return code == PAM_SUCCESS ? PAM_AUTHINFO_UNAVAIL : code;
}

/* There is no credential to set, so the agent is not troubled. */
EXPORTED int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}

EXPORTED int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    return run_phase(pamh, PHASE_ACCOUNT, flags, argc, argv);
}

EXPORTED int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    return run_phase(pamh, PHASE_OPEN_SESSION, flags, argc, argv);
}

EXPORTED int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    return run_phase(pamh, PHASE_CLOSE_SESSION, flags, argc, argv);
}

/* libpam calls this twice. The first round only asks whether the change could be done: a refusal there would
 * stop passwd for everybody while the agent is down, so it is left to the modules that keep the password. */
EXPORTED int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    if (flags & PAM_PRELIM_CHECK)
        return PAM_SUCCESS;
    return run_phase(pamh, PHASE_CHAUTHTOK, flags, argc, argv);
}
