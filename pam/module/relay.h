/*
 * One conversation with scauthd, from begin to verdict. The relay decides nothing: it carries.
 * Specification: PROTOCOL.md, section 1.4.
 */
#ifndef SCAUTH_RELAY_H
#define SCAUTH_RELAY_H

#include "frames.h"
#include "options.h"

/* Returns the PAM code for libpam; a refusal unless a valid verdict says otherwise. */
int relay_run(pam_handle_t *pamh, const struct options *options, enum phase phase, int flags);

#endif
