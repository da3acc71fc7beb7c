/*
 * The module's arguments, by libFuzzer: a NUL byte between two of them. Whatever they say, the socket is an
 * absolute path that ends, and each wait has an end.
 */
#include <string.h>
#include <syslog.h>

#include "options.h"
#include "rule.h"

#define ARGUMENTS_MAX 16

/* libpam writes to the system's log; the arguments of a fuzzer do not belong there. */
void syslog(int priority, const char *format, ...) {
    (void)priority, (void)format;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *text = malloc(size + 1);
    const char *arguments[ARGUMENTS_MAX];
    struct options options;
    int count = 0;
    if (text == NULL)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    for (char *at = text; at <= text + size && count < ARGUMENTS_MAX; at += strlen(at) + 1)
        arguments[count++] = at;
    options_parse(NULL, count, arguments, &options);
    size_t length = strnlen(options.address.sun_path, sizeof options.address.sun_path);
    require(length < sizeof options.address.sun_path, "a path without an end");
    require(options.address.sun_path[0] == '/', "a path that is not absolute");
    require(options.timeout_ms >= OPTIONS_TIMEOUT_MIN_S * 1000 &&
                options.timeout_ms <= OPTIONS_TIMEOUT_MAX_S * 1000,
            "a time-out out of range");
    free(text);
    return 0;
}
