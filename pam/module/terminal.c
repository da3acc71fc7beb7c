/*
 * The controlling terminal while the agent works: no echo, and no way to die with the echo off. It writes
 * nothing to the terminal, and reads from it only to see whether Enter was pressed while a card is waited
 * for. Specification: terminal.h; termios(3), signalfd(2), ioctl_tty(2).
 */
#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What would end or stop the process and leave the terminal without echo. SIGKILL and SIGSTOP cannot be held.
 */
static const int HELD[] = {SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP};

void terminal_init(struct terminal *terminal) {
    terminal->fd = -1;
    terminal->signal_fd = -1;
    terminal->hidden = 0;
    sigemptyset(&terminal->mask_before);
}

/* A blocked signal becomes pending even where the program ignores it: only those that it does not are held.
 */
static bool is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_IGN;
}

/* Blocks the held signals and SIGTTOU; -1 on failure, with the mask as it was.
 * What the program itself holds back is for the program, unless `all` is watched. */
static int hold_signals(sigset_t *mask_before, bool all) {
    sigset_t held, watched;
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof HELD / sizeof HELD[0]; i++)
        if (!is_ignored(HELD[i]))
            sigaddset(&held, HELD[i]);
    watched = held;
    /* Setting the attributes stops a process that has just lost the foreground, unless this is blocked. */
    sigaddset(&held, SIGTTOU);
    if (pthread_sigmask(SIG_BLOCK, &held, mask_before) != 0)
        return -1;
    for (size_t i = 0; !all && i < sizeof HELD / sizeof HELD[0]; i++)
        if (sigismember(mask_before, HELD[i]) == 1)
            sigdelset(&watched, HELD[i]);
    int fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        pthread_sigmask(SIG_SETMASK, mask_before, NULL);
    return fd;
}

/* Best effort: terminal->hidden stays 0 if there is no echo to turn off, or if it cannot be. */
static void turn_echo_off(struct terminal *terminal) {
    if (tcgetattr(terminal->fd, &terminal->before) != 0)
        return;
    struct termios quiet = terminal->before;
    tcflag_t echoing = quiet.c_lflag & (tcflag_t)(ECHO | ECHONL);
    quiet.c_lflag &= ~echoing;
    /* TCSANOW: the others wait for the output, which Ctrl-S holds back for ever. */
    if (echoing != 0 && tcsetattr(terminal->fd, TCSANOW, &quiet) == 0)
        terminal->hidden = echoing;
}

/* Puts back only the flags that were turned off: another program may have changed others meanwhile. */
static void turn_echo_on(const struct terminal *terminal) {
    struct termios attributes;
    if (tcgetattr(terminal->fd, &attributes) != 0)
        attributes = terminal->before;
    attributes.c_lflag |= terminal->hidden;
    if (tcsetattr(terminal->fd, TCSANOW, &attributes) != 0)
        tcsetattr(terminal->fd, TCSANOW, &terminal->before);
}

static void begin(struct terminal *terminal, bool watch_all) {
    if (terminal->fd >= 0)
        return;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    if (tcgetpgrp(fd) != getpgrp()) {
        close(fd);
        return;
    }
    int signal_fd = hold_signals(&terminal->mask_before, watch_all);
    if (signal_fd < 0) {
        close(fd);
        return;
    }
    terminal->fd = fd;
    terminal->signal_fd = signal_fd;
    turn_echo_off(terminal);
    if (terminal->hidden == 0)
        terminal_restore(terminal);
}

void terminal_quiet(struct terminal *terminal) {
    begin(terminal, false);
}

void terminal_hold(struct terminal *terminal) {
    begin(terminal, true);
}

enum terminal_line terminal_take_line(const struct terminal *terminal) {
    char line[512];
    ssize_t got = read(terminal->fd, line, sizeof line);
    /* Ctrl-D alone reads as nothing: whoever types it wants to go on as well. */
    bool ended = got == 0 || (got > 0 && memchr(line, '\n', (size_t)got) != NULL);
    bool again = got < 0 && (errno == EAGAIN || errno == EINTR);
    explicit_bzero(line, sizeof line);
    if (ended)
        return TERMINAL_ENTER;
    return got > 0 || again ? TERMINAL_NO_LINE : TERMINAL_GONE;
}

uint16_t terminal_columns(void) {
    struct winsize size = {0};
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
    close(fd);
    return known ? size.ws_col : 0;
}

bool terminal_restore(struct terminal *terminal) {
    if (terminal->fd < 0)
        return true;
    struct pollfd pending = {.fd = terminal->signal_fd, .events = POLLIN};
    bool wants_out = poll(&pending, 1, 0) > 0;
    if (terminal->hidden != 0) {
        tcflush(terminal->fd, TCIFLUSH);
        turn_echo_on(terminal);
    }
    close(terminal->signal_fd);
    close(terminal->fd);
    sigset_t mask_before = terminal->mask_before;
    terminal_init(terminal);
    pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    return !wants_out;
}
