/*
 * The arguments of the module in a pam.d line: socket=PATH, debug, enforce, only_secret, timeout=SECONDS.
 * A wrong argument never fails a login: it is logged and the default stays.
 */
#ifndef SCAUTH_OPTIONS_H
#define SCAUTH_OPTIONS_H

#include <security/_pam_types.h>
#include <stdbool.h>
#include <sys/un.h>

#define OPTIONS_SOCKET_DEFAULT "/run/scauth/pam.sock"
/* With the time of sudo and of the password itself a login by password is below five seconds. */
#define OPTIONS_TIMEOUT_DEFAULT_MS 4500
#define OPTIONS_TIMEOUT_MIN_S 1
#define OPTIONS_TIMEOUT_MAX_S 60

struct options {
    struct sockaddr_un address; /* AF_UNIX, an absolute path that ends in a NUL byte */
    int timeout_ms;             /* the longest silence of the agent */
    bool debug;
    bool only_secret; /* in an auth stack: what follows a grant asks for no password */
    bool enforce;     /* in an auth stack: only say no, as the account phase would */
};

void options_parse(pam_handle_t *pamh, int argc, const char **argv, struct options *options);

#endif
