/*
 * Sends a program a signal at its Nth system call, counted over all of its threads in the order in which they
 * make them. Usage: strike PID N SIGNAL [from CALL]
 *
 *   N       0: counts only, until it is told to end
 *   SIGNAL  KILL: the Nth call is never made; STOP: it is the last one before the program stands still
 *   CALL    number of a system call: the count begins with the first of these
 *
 * It says "ready" when the program is watched, and "struck COUNT" when the signal is sent or "counted COUNT"
 * at SIGTERM or the program's end; then it ends, and the program goes on unwatched. Children that the program
 * makes are not watched. Specification: ptrace(2) (PTRACE_SEIZE, PTRACE_GET_SYSCALL_INFO), signal(7).
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_EVENT = 128 /* PTRACE_EVENT_STOP */, MOST_THREADS = 1024 };

static pid_t watched[MOST_THREADS];
static int threads;
static long count, wanted, first_call = -1;
static pid_t program;
static int what, is_struck;

static long trace(int request, pid_t pid, void *address, long data) {
    return ptrace((enum __ptrace_request)request, pid, address, (void *)data);
}

static int is_watched(pid_t thread) {
    for (int i = 0; i < threads; i++)
        if (watched[i] == thread)
            return 1;
    return 0;
}

static void note(pid_t thread) {
    if (!is_watched(thread) && threads < MOST_THREADS)
        watched[threads++] = thread;
}

/* Threads that begin meanwhile are found when the folder is read once more. */
static int seize_all(void) {
    char path[64];
    int found = 1;
    snprintf(path, sizeof path, "/proc/%d/task", program);
    while (found) {
        found = 0;
        DIR *folder = opendir(path);
        if (folder == NULL)
            return 0;
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            pid_t thread = (pid_t)atoi(entry->d_name);
            if (thread <= 0 || is_watched(thread))
                continue;
            if (trace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) != 0) {
                if (errno == ESRCH)
                    continue;
                perror("PTRACE_SEIZE");
                closedir(folder);
                return 0;
            }
            note(thread);
            trace(PTRACE_INTERRUPT, thread, NULL, 0);
            found = 1;
        }
        closedir(folder);
    }
    return threads > 0;
}

/* Whether this call is the one. */
static int counts(pid_t thread) {
    struct __ptrace_syscall_info info;
    if (trace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, (long)&info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return 0;
    if (first_call >= 0) {
        if (info.entry.nr != (unsigned long)first_call)
            return 0;
        first_call = -1;
    }
    return ++count == wanted;
}

/* What a thread has to say; 1: it is over. */
static int heard(pid_t thread, int status) {
    if (!WIFSTOPPED(status))
        return thread == program;
    int deliver = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
        if (counts(thread)) {
            kill(program, what);
            is_struck = 1;
            return 1;
        }
    } else if (status >> 16 == STOP_EVENT) {
        int signal = WSTOPSIG(status);
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
            trace(PTRACE_LISTEN, thread, NULL, 0);
            return 0;
        }
    } else if (status >> 16 == 0) {
        deliver = WSTOPSIG(status);
    }
    note(thread);
    trace(PTRACE_SYSCALL, thread, NULL, deliver);
    return 0;
}

int main(int argc, char **argv) {
    sigset_t signals;
    int signal = 0;
    if (argc < 4)
        return 64;
    program = (pid_t)atoi(argv[1]);
    wanted = atol(argv[2]);
    what = strcmp(argv[3], "STOP") == 0 ? SIGSTOP : SIGKILL;
    if (argc > 5)
        first_call = atol(argv[5]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (!seize_all())
        return 1;
    puts("ready");
    for (int is_over = 0; !is_over && signal != SIGTERM;) {
        int status;
        pid_t thread;
        while (!is_over && (thread = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
            is_over = heard(thread, status);
        is_over = is_over || thread < 0;
        if (!is_over)
            signal = sigwaitinfo(&signals, NULL);
    }
    printf("%s %ld\n", is_struck ? "struck" : "counted", count);
    return 0;
}
