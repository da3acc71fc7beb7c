/*
 * Is this root who logs in on a console of this machine, for certain? The one who gets in while the agent
 * that decides does not answer. Specification: PROTOCOL.md, section 1.5.
 */
#ifndef SCAUTH_CONSOLE_H
#define SCAUTH_CONSOLE_H

#include <security/_pam_types.h>
#include <stdbool.h>

/* Whether `tty` (PAM_TTY) names a console, and `device` (as the kernel encodes it) is that one. */
bool console_is(const char *tty, unsigned device);

/* In doubt no. */
bool console_root_is_at(pam_handle_t *pamh);

#endif
