/*
 * Opens, checks and parses the file of enforcement. Whatever is odd about it, or keeps us from reading it (no
 * descriptor, no memory: the limits may come from whoever started the program), counts as "required".
 * Specification: PROTOCOL.md, section 1.6.
 */
#define _GNU_SOURCE /* statx */
#include "enforcement.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "enforcement"

static const struct enforcement NOT_ENFORCED = {false, false, false};
static const struct enforcement IN_DOUBT = {true, true, true};

/* What is left to parse. Once `ok` is false it stays so. */
struct text {
    const char *at;
    const char *end;
    bool ok;
};

struct value {
    const char *at;
    size_t length;
};

/* The value of the next line, which must be of this key. */
static struct value take_line(struct text *text, const char *key) {
    struct value value = {text->at, 0};
    size_t length = strlen(key), left = (size_t)(text->end - text->at);
    const char *newline = text->ok ? memchr(text->at, '\n', left) : NULL;
    if (newline == NULL || (size_t)(newline - text->at) <= length || memcmp(text->at, key, length) != 0 ||
        text->at[length] != ' ') {
        text->ok = false;
        return value;
    }
    value.at = text->at + length + 1;
    value.length = (size_t)(newline - value.at);
    text->at = newline + 1;
    return value;
}

static bool is(struct value value, const char *word) {
    return value.length == strlen(word) && memcmp(value.at, word, value.length) == 0;
}

/* The next line says `yes` or `no`. */
static bool take_choice(struct text *text, const char *key, const char *yes, const char *no) {
    struct value value = take_line(text, key);
    text->ok = text->ok && (is(value, yes) || is(value, no));
    return text->ok && is(value, yes);
}

static int64_t take_seconds(struct text *text, const char *key) {
    struct value value = take_line(text, key);
    int64_t seconds = 0;
    text->ok = text->ok && value.length > 0 && value.length <= 12;
    for (size_t i = 0; text->ok && i < value.length; i++) {
        text->ok = value.at[i] >= '0' && value.at[i] <= '9';
        seconds = seconds * 10 + (value.at[i] - '0');
    }
    return seconds;
}

/* Whether the list, with one space between its words, has this one; `*` alone is all. */
static bool covers(struct value list, const char *service) {
    if (service == NULL || is(list, "*"))
        return true;
    const char *end = list.at + list.length;
    for (const char *at = list.at; at < end;) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *word_end = space == NULL ? end : space;
        if (is((struct value){at, (size_t)(word_end - at)}, service))
            return true;
        at = word_end + 1;
    }
    return false;
}

struct enforcement enforcement_parse(const char *bytes, size_t size, const char *service, int64_t now_s) {
    struct text text = {.at = bytes, .end = bytes + size, .ok = memchr(bytes, '\0', size) == NULL};
    text.ok = text.ok && is(take_line(&text, "scauth-enforcement"), "1");
    struct value state = take_line(&text, "state");
    int64_t since = take_seconds(&text, "since"), until = take_seconds(&text, "until");
    struct enforcement enforcement;
    enforcement.closed = take_choice(&text, "agent_absent", "closed", "open");
    enforcement.remote = take_choice(&text, "remote", "yes", "no");
    struct value services = take_line(&text, "services");
    if (!text.ok || text.at != text.end)
        return IN_DOUBT;
    /* A trial runs out by itself, also where scauthd has died. Without a clock it does not. */
    bool trial_runs = now_s < 0 || (since <= now_s && now_s < until);
    if (!is(state, "on") && !is(state, "trial") && !is(state, "off"))
        return IN_DOUBT;
    enforcement.in_force =
        (is(state, "on") || (is(state, "trial") && trial_runs)) && covers(services, service);
    return enforcement;
}

/* `path` is that of the socket; the file lies beside it. */
static int open_beside(const char *path) {
    char beside[sizeof((struct options *)NULL)->address.sun_path + sizeof FILE_NAME];
    size_t folder = (size_t)(strrchr(path, '/') + 1 - path); /* the path is absolute */
    memcpy(beside, path, folder);
    memcpy(beside + folder, FILE_NAME, sizeof FILE_NAME);
    return open(beside, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* statx(2), since fstat would need a newer glibc than the rest of the module. */
static bool is_trusted(int fd) {
    struct statx facts;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_UID, &facts) != 0)
        return false;
    return S_ISREG(facts.stx_mode) && facts.stx_uid == 0 && (facts.stx_mode & (S_IWGRP | S_IWOTH)) == 0;
}

struct enforcement enforcement_read(const struct options *options, const char *service) {
    char text[ENFORCEMENT_FILE_MAX + 1];
    struct timespec now;
    int fd = open_beside(options->address.sun_path);
    if (fd < 0)
        return errno == ENOENT ? NOT_ENFORCED : IN_DOUBT;
    /* One call reads a file of this size. What is cut, or longer, is another text than it should be. */
    ssize_t size = is_trusted(fd) ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (size < 0 || (size_t)size == sizeof text)
        return IN_DOUBT;
    bool clock = clock_gettime(CLOCK_REALTIME, &now) == 0;
    return enforcement_parse(text, (size_t)size, service, clock ? (int64_t)now.tv_sec : -1);
}
