/*
 * A person at a real terminal (a pty): types while the agent works. This program is the person and the agent;
 * its child is the application, which asks for the PIN as sudo does and afterwards reads a line as a shell
 * does. usage: pty_session FOLDER SCENARIO ; prints "KEY=VALUE" lines; "screen" is all that the terminal
 * showed. scenarios: typed-ahead second-ask interrupt interrupt-handled interrupt-ignored terminate
 * background silence
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "scripted_agent.h"

static const char *scenario;

static bool scenario_is(const char *name) {
    return strcmp(scenario, name) == 0;
}

/* ---- the application ---- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* Reads the terminal with the echo off, and does not throw away what was typed before: the harder case. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)count, (void)data;
    *responses = calloc(1, sizeof **responses);
    char *line = calloc(1, 128);
    if (scenario_is("background")) {
        (*responses)->resp = strcpy(line, "123456");
        return PAM_SUCCESS;
    }
    struct termios before, quiet;
    tcgetattr(STDIN_FILENO, &before);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    dprintf(STDOUT_FILENO, "%s", messages[0]->msg);
    ssize_t length = read(STDIN_FILENO, line, 127);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    if (length > 0)
        line[length - 1] = '\0';
    (*responses)->resp = line;
    return PAM_SUCCESS;
}

static int application(const char *confdir) {
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    char next[128] = "";
    sigset_t pending;
    if (scenario_is("interrupt-handled"))
        signal(SIGINT, note_interrupt);
    if (scenario_is("interrupt-ignored"))
        signal(SIGINT, SIG_IGN);
    if (scenario_is("background")) {
        /* In a group of its own, which is not the terminal's foreground. */
        pid_t job = fork();
        if (job != 0)
            return waitpid(job, NULL, 0) == job ? 0 : 4;
        setpgid(0, 0);
    }
    if (pam_start_confdir("alone", "alice", &conv, confdir, &pamh) != PAM_SUCCESS)
        return 3;
    int code = pam_authenticate(pamh, 0);
    pam_end(pamh, code);
    sigprocmask(SIG_BLOCK, NULL, &pending);
    bool held =
        sigismember(&pending, SIGINT) || sigismember(&pending, SIGTTOU) || sigismember(&pending, SIGTERM);
    if (scenario_is("background")) {
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(STDIN_FILENO, getpgrp());
    }
    dprintf(STDOUT_FILENO, "[code=%d handled=%d held=%d ready]", code, (int)interrupted, held);
    ssize_t length = read(STDIN_FILENO, next, sizeof next - 1);
    next[length > 0 ? length - 1 : 0] = '\0';
    dprintf(STDOUT_FILENO, "[next=%s end]", next);
    return 0;
}

/* ---- the person, and the agent ---- */

static int terminal, slave;
static char screen[8192];
static size_t screen_length;

static void fail(const char *what) {
    printf("failed=%s\nscreen=%s\n", what, screen);
    exit(1);
}

/* Reads the screen until `text` stands on it. */
static void wait_for(const char *text) {
    while (strstr(screen, text) == NULL) {
        struct pollfd watched = {.fd = terminal, .events = POLLIN};
        if (poll(&watched, 1, 20000) <= 0)
            fail(text);
        ssize_t more = read(terminal, screen + screen_length, sizeof screen - 1 - screen_length);
        if (more <= 0)
            fail(text);
        screen_length += (size_t)more;
    }
}

static void type(const char *text) {
    if (write(terminal, text, strlen(text)) != (ssize_t)strlen(text))
        fail("type");
}

/* Returns when a whole line lies in the terminal's queue for the next reader. */
static void wait_until_typed(void) {
    struct pollfd watched = {.fd = slave, .events = POLLIN};
    if (poll(&watched, 1, 20000) <= 0)
        fail("nothing typed");
}

static void print_echo(const char *when) {
    struct termios attributes;
    tcgetattr(slave, &attributes);
    printf("echo-%s=%s\n", when, attributes.c_lflag & ECHO ? "on" : "off");
}

static void read_answer(int agent) {
    uint8_t kind, body[4096];
    size_t size;
    if (!agent_receive(agent, &kind, body, &size) || kind != 5)
        fail("no answer");
    printf("answer=%d:%.*s\n", body[0], (int)size - 3, (const char *)body + 3);
}

static void expect_end_of_connection(int agent) {
    uint8_t byte;
    struct pollfd watched = {.fd = agent, .events = POLLIN};
    if (poll(&watched, 1, 20000) <= 0 || recv(agent, &byte, 1, 0) > 0)
        fail("the relay did not leave");
}

static void signal_scenario(int agent, pid_t child) {
    if (scenario_is("terminate"))
        kill(child, SIGTERM);
    else
        type("\003");
    if (scenario_is("interrupt-ignored")) {
        /* The terminal has taken the Ctrl-C when it has taken what comes after it. */
        type("more\n");
        wait_until_typed();
        agent_send(agent, 4, NULL, 0);
        agent_verdict(agent, 2);
    } else {
        expect_end_of_connection(agent);
    }
}

static void play(int agent, pid_t child) {
    uint8_t kind, body[4096];
    size_t size;
    if (!agent_receive(agent, &kind, body, &size))
        fail("no begin");
    agent_ask(agent, false, "PIN: ");
    if (!scenario_is("background")) {
        wait_for("PIN: ");
        type("123456\n");
    }
    read_answer(agent);
    print_echo("while-waiting");
    if (scenario_is("background")) {
        agent_verdict(agent, 2);
    } else if (scenario_is("typed-ahead") || scenario_is("silence")) {
        type("hushhush\n");
        wait_until_typed();
        if (scenario_is("typed-ahead")) {
            agent_send(agent, 4, NULL, 0);
            agent_verdict(agent, 2);
        }
    } else if (scenario_is("second-ask")) {
        type("999999\n");
        wait_until_typed();
        agent_ask(agent, false, "Again: ");
        wait_for("Again: ");
        type("654321\n");
        read_answer(agent);
        agent_verdict(agent, 2);
    } else {
        signal_scenario(agent, child);
    }
}

int main(int argc, char **argv) {
    char confdir[256], socket_path[108];
    if (argc != 3)
        return 2;
    scenario = argv[2];
    agent_paths(argv[1], confdir, socket_path);
    int listener = agent_listen(socket_path);
    alarm(90); /* nothing of this outlives a test that was given up */
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    if (child == 0) {
        alarm(90);
        exit(application(confdir));
    }
    slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    int status;
    play(accept(listener, NULL, NULL), child);
    if (!scenario_is("interrupt") && !scenario_is("terminate")) {
        wait_for("ready]");
        print_echo("afterwards");
        type("whoami\n");
        wait_for("end]");
        waitpid(child, &status, 0);
    } else {
        waitpid(child, &status, 0);
        print_echo("afterwards");
    }
    printf("signal=%d\nscreen=%s\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0, screen);
    return 0;
}
