/*
 * What the module may know of enforcement while scauthd does not answer: a small file of root's beside the
 * socket. In doubt a card is required. Specification: PROTOCOL.md, section 1.6.
 */
#ifndef SCAUTH_ENFORCEMENT_H
#define SCAUTH_ENFORCEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

#define ENFORCEMENT_FILE_MAX 4096u

struct enforcement {
    bool in_force; /* a card is required in this service, now */
    bool closed;   /* an agent that is not there lets nobody in */
    bool remote;   /* requests from other hosts are bound as well */
};

/* Reads the file beside the socket. `service` may be NULL: then it counts as one that is covered. */
struct enforcement enforcement_read(const struct options *options, const char *service);

/* The text of the file at `now_s` of the wall clock. What is not exactly as specified is in force and closed.
 */
struct enforcement enforcement_parse(const char *text, size_t size, const char *service, int64_t now_s);

#endif
