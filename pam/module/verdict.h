/*
 * From the agent's verdict to the code that libpam gets. One table, nothing else.
 * Specification: PROTOCOL.md, section 1.5.
 */
#ifndef SCAUTH_VERDICT_H
#define SCAUTH_VERDICT_H

#include "frames.h"

/* What a phase answers when there is no valid verdict: no agent, silence, an invalid frame. */
int verdict_refusal(enum phase phase);

/* The PAM code of a pair. A pair that is not in the table is as an invalid frame: verdict_refusal(phase). */
int verdict_to_pam(enum phase phase, uint8_t code);

#endif
