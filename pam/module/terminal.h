/*
 * Keeps what is typed while the agent works off the screen, and away from the next prompt and from the shell.
 * It is active only between an answered secret and the next conversation or the end, and only if the process
 * has a controlling terminal and is in its foreground; screen lockers have none. The lesson: CVE-2025-64170.
 */
#ifndef SCAUTH_TERMINAL_H
#define SCAUTH_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
    int fd;          /* the controlling terminal while it is quiet, else -1 */
    int signal_fd;   /* readable when a signal that would end us is pending; -1 when not quiet */
    tcflag_t hidden; /* the local flags that were turned off */
    struct termios before;
    sigset_t mask_before; /* the thread's signal mask, to be put back */
};

void terminal_init(struct terminal *terminal);

/* Turns the echo off and holds back the signals of the keyboard. Best effort: without a terminal, or when a
 * call fails, everything stays as it was. Does nothing when the terminal is quiet already. */
void terminal_quiet(struct terminal *terminal);

/* The same while a card is waited for, where Ctrl-C ends the wait even if the program holds it back (sudo
 * does). */
void terminal_hold(struct terminal *terminal);

/* After a quiet terminal has something to read: reads a line, wipes it and forgets it. What is typed while a
 * card is waited for may be a password that comes too early. */
enum terminal_line { TERMINAL_NO_LINE, TERMINAL_ENTER, TERMINAL_GONE };
enum terminal_line terminal_take_line(const struct terminal *terminal);

/* How many columns the controlling terminal has; 0: there is none, or it does not say. */
uint16_t terminal_columns(void);

/* Throws away what was typed and puts echo and signal mask back: pending signals are delivered in this call.
 * Returns false if there was one, that is, if the person wants out. True when the terminal was not quiet. */
bool terminal_restore(struct terminal *terminal);

#endif
