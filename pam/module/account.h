/*
 * The account phase: the agent decides, and where it gives no answer, what the module knows by itself.
 * Specification: PROTOCOL.md, section 1.5.
 */
#ifndef SCAUTH_ACCOUNT_H
#define SCAUTH_ACCOUNT_H

#include <security/_pam_types.h>

#include "options.h"

/* Returns the PAM code for libpam. */
int account_run(pam_handle_t *pamh, const struct options *options, int flags);

#endif
