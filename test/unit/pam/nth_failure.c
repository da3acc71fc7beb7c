/*
 * Lets each call of the module fail in turn: run n makes the nth call fail, until a run has no nth call. Each
 * run is a process of its own, on a terminal of its own (so that the terminal's calls are among them), under
 * ASan and UBSan. Prints a line a run:
 *   n=N call=NAME code=PAM left-open=MASK secret=none|wiped|KEPT|LEAKED echo=on|off end=EXIT-OR-SIGNAL
 * user=NAME usage: nth_failure FOLDER SCRIPT fail|interrupt|again|short USER|- [account]   (script: see
 * scripted_agent.h; with account that phase follows in the same handle, and CODE is its)
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pty.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "faults.h"
#include "scripted_agent.h"

#define RUNS_MAX 1000u

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)count, (void)data;
    *responses = calloc(1, sizeof **responses);
    int style = messages[0]->msg_style;
    if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON)
        return PAM_SUCCESS;
    fault_plan.secret_size = 6;
    fault_plan.secret_freed = false;
    fault_plan.secret = strcpy((*responses)->resp = malloc(7), "123456");
    return PAM_SUCCESS;
}

static unsigned long open_descriptors(void) {
    unsigned long open = 0;
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd < 64)
            open |= 1ul << fd;
    }
    closedir(folder);
    return open;
}

static const char *secret_state(void) {
    if (fault_plan.secret == NULL)
        return "none";
    if (!fault_plan.secret_freed)
        return "LEAKED";
    return fault_plan.secret_wiped ? "wiped" : "KEPT";
}

static int run_once(const char *confdir, const char *user, bool account, int report) {
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    enum fault_mode mode = fault_plan.mode;
    const void *user_after = NULL;
    fault_plan.mode = FAULT_NONE;
    if (pam_start_confdir("alone", user, &conv, confdir, &pamh) != PAM_SUCCESS)
        return 3;
    unsigned long before = open_descriptors();
    fault_plan.mode = mode;
    int code = pam_authenticate(pamh, 0);
    if (account)
        code = pam_acct_mgmt(pamh, 0);
    fault_plan.mode = FAULT_NONE;
    pam_get_item(pamh, PAM_USER, &user_after);
    dprintf(report, "call=%s code=%d left-open=%#lx secret=%s user=%s",
            fault_plan.fired == NULL ? "(none)" : fault_plan.fired, code, open_descriptors() & ~before,
            secret_state(), user_after == NULL ? "(none)" : (const char *)user_after);
    pam_end(pamh, code);
    return 0;
}

/* Returns true if a call was made to fail. */
static bool run_in_process(const char *confdir, const char *user, bool account, unsigned nth) {
    int report[2], terminal;
    char line[512];
    if (pipe(report) != 0)
        abort();
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0) {
        close(report[0]);
        fault_plan.nth = nth;
        exit(run_once(confdir, user, account, report[1]));
    }
    close(report[1]);
    int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    size_t length = 0;
    ssize_t more;
    while (length < sizeof line - 1 && (more = read(report[0], line + length, sizeof line - 1 - length)) > 0)
        length += (size_t)more;
    line[length] = '\0';
    /* Whatever a sanitizer has to say comes over the terminal. */
    int status, end;
    char noise[4096];
    waitpid(pid, &status, 0);
    end = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    struct termios attributes = {0};
    tcgetattr(slave, &attributes);
    close(slave);
    printf("n=%u %s echo=%s end=%d\n", nth, line, attributes.c_lflag & ECHO ? "on" : "off", end);
    if (end != 0 && (more = read(terminal, noise, sizeof noise)) > 0)
        fwrite(noise, 1, (size_t)more, stderr);
    close(terminal);
    close(report[0]);
    return strstr(line, "call=(none)") == NULL;
}

int main(int argc, char **argv) {
    static const char *const MODES[] = {"none", "fail", "interrupt", "again", "short"};
    char confdir[256], socket_path[108];
    if (argc != 5 && argc != 6)
        return 2;
    agent_paths(argv[1], confdir, socket_path);
    pid_t agent = agent_fork(agent_listen(socket_path), argv[2]);
    const char *user = strcmp(argv[4], "-") == 0 ? NULL : argv[4];
    for (unsigned i = 0; i < sizeof MODES / sizeof MODES[0]; i++)
        if (strcmp(argv[3], MODES[i]) == 0)
            fault_plan.mode = (enum fault_mode)i;
    for (unsigned nth = 1; nth <= RUNS_MAX && run_in_process(confdir, user, argc == 6, nth); nth++)
        continue;
    kill(agent, SIGKILL);
    waitpid(agent, NULL, 0);
    return 0;
}
