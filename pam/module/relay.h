/*
 * One conversation with scauthd, from begin to verdict. The relay decides nothing: it carries.
 * Specification: PROTOCOL.md, section 1.4.
 */
#ifndef SCAUTH_RELAY_H
#define SCAUTH_RELAY_H

#include "frames.h"
#include "options.h"

/* How a conversation ended, beside its code. */
enum relay_end {
    RELAY_ANSWERED,   /* by a valid verdict */
    RELAY_ABSENT,     /* nobody listens, for certain */
    RELAY_CUT,        /* the agent closed, or time was up, before anything was shown: worth a second try */
    RELAY_UNANSWERED, /* in any other way */
};

/* Returns the PAM code for libpam; a refusal unless a valid verdict says otherwise. An agent that is not
 * there is waited for `patience_ms`. */
int relay_run(pam_handle_t *pamh, const struct options *options, enum phase phase, int flags, int patience_ms,
              enum relay_end *end);

#endif
