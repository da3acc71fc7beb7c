/*
 * Reads the module's arguments. It opens nothing: whether the socket is there is the connection's business.
 * Specification: the comment in options.h; README.md names the arguments.
 */
#include "options.h"

#include <security/pam_ext.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

/* The text after `name`, or NULL if `argument` does not begin with it. */
static const char *value_of(const char *argument, const char *name) {
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

static void set_socket(pam_handle_t *pamh, const char *path, struct options *options) {
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof options->address.sun_path) {
        pam_syslog(pamh, LOG_ERR, "socket=%s is not an absolute path of at most %zu bytes; using %s", path,
                   sizeof options->address.sun_path - 1, options->address.sun_path);
        return;
    }
    memcpy(options->address.sun_path, path, length + 1);
}

static void set_timeout(pam_handle_t *pamh, const char *text, struct options *options) {
    int seconds = 0;
    const char *at = text;
    /* Three digits at most are read: longer numbers are out of range, and so cannot overflow. */
    while (*at >= '0' && *at <= '9' && at - text < 3)
        seconds = seconds * 10 + (*at++ - '0');
    if (at == text || *at != '\0' || seconds < OPTIONS_TIMEOUT_MIN_S || seconds > OPTIONS_TIMEOUT_MAX_S) {
        pam_syslog(pamh, LOG_ERR, "timeout=%s is not a number of seconds from %d to %d; using %d ms", text,
                   OPTIONS_TIMEOUT_MIN_S, OPTIONS_TIMEOUT_MAX_S, options->timeout_ms);
        return;
    }
    options->timeout_ms = seconds * 1000;
}

void options_parse(pam_handle_t *pamh, int argc, const char **argv, struct options *options) {
    memset(options, 0, sizeof *options);
    options->address.sun_family = AF_UNIX;
    memcpy(options->address.sun_path, OPTIONS_SOCKET_DEFAULT, sizeof OPTIONS_SOCKET_DEFAULT);
    options->timeout_ms = OPTIONS_TIMEOUT_DEFAULT_MS;
    for (int i = 0; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "debug") == 0)
            options->debug = true;
        else if (strcmp(argv[i], "enforce") == 0)
            options->enforce = true;
        else if (strcmp(argv[i], "only_secret") == 0)
            options->only_secret = true;
        else if ((value = value_of(argv[i], "socket=")) != NULL)
            set_socket(pamh, value, options);
        else if ((value = value_of(argv[i], "timeout=")) != NULL)
            set_timeout(pamh, value, options);
        else
            pam_syslog(pamh, LOG_ERR,
                       "unknown argument ignored: %s (known: socket=PATH, timeout=SECONDS, debug, enforce, "
                       "only_secret)",
                       argv[i]);
    }
}
