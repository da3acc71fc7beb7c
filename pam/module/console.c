/*
 * Root on a console: the account has uid 0, root started the program (a user's su does not count, whatever
 * terminal they could open), and its controlling terminal is the console that PAM_TTY names.
 * Specification: Documentation/admin-guide/devices.txt of Linux; ioctl_tty(2), TIOCGDEV.
 */
#define _GNU_SOURCE
#include "console.h"

#include <fcntl.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAJOR_TTY 4u    /* tty1 to tty63, then ttyS0 and on */
#define MAJOR_TTYAUX 5u /* console is 1 */
#define MAJOR_AMBA 204u /* ttyAMA0 is 64 */
#define MAJOR_HVC 229u

/* The names with a number behind them, and the devices that they are. */
static const struct line {
    const char *name;
    unsigned major, first, count;
} LINES[] = {{"ttyS", MAJOR_TTY, 64, 192},
             {"ttyAMA", MAJOR_AMBA, 64, 16},
             {"tty", MAJOR_TTY, 0, 64},
             {"hvc", MAJOR_HVC, 0, 256}};

/* A decimal number of at most three digits and nothing else; -1 if it is none. */
static int small_number(const char *text) {
    int number = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 3 || text[length] != '\0')
        return -1;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

bool console_is(const char *tty, unsigned device) {
    unsigned major = (device >> 8) & 0xFFFu, minor = (device & 0xFFu) | ((device >> 12) & 0xFFF00u);
    if (strncmp(tty, "/dev/", 5) == 0)
        tty += 5;
    bool any = strcmp(tty, "console") == 0;
    if (any && major == MAJOR_TTYAUX && minor == 1)
        return true;
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        const struct line *line = &LINES[i];
        size_t length = strlen(line->name);
        bool is_line = major == line->major && minor >= line->first && minor - line->first < line->count;
        /* The kernel names the device behind /dev/console. */
        if (is_line && any)
            return true;
        if (is_line && strncmp(tty, line->name, length) == 0 &&
            small_number(tty + length) == (int)(minor - line->first))
            return true;
    }
    return false;
}

/* 0: there is none. */
static unsigned controlling_terminal(void) {
    unsigned device = 0;
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    if (ioctl(fd, TIOCGDEV, &device) != 0)
        device = 0;
    close(fd);
    return device;
}

bool console_root_is_at(pam_handle_t *pamh) {
    const void *user = NULL, *tty = NULL;
    if (getuid() != 0 || pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || user == NULL ||
        pam_get_item(pamh, PAM_TTY, &tty) != PAM_SUCCESS || tty == NULL)
        return false;
    unsigned device = controlling_terminal();
    if (device == 0 || !console_is(tty, device))
        return false;
    const struct passwd *account = pam_modutil_getpwnam(pamh, user);
    return account != NULL && account->pw_uid == 0;
}
