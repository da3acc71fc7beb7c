/*
 * Times programs where they run, so that no more than fork, exec and wait is in the figure. Reads one line a
 * measurement: what the first program finds on its standard input, then its words, with further programs
 * after a word "--next", all separated by tabs. Answers with one line: nanoseconds, and the first exit status
 * that is not zero. The programs' output is thrown away. Specification: posix_spawn(3), clock_gettime(2).
 */
#define _GNU_SOURCE /* pipe2 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define WORDS_MAX 64
#define COULD_NOT_RUN 127

extern char **environ;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        die("clock_gettime");
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The reading end of a pipe that holds `text` and a newline, and then ends. */
static int filled_pipe(const char *text) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || dprintf(ends[1], "%s\n", text) < 0)
        die("pipe");
    close(ends[1]);
    return ends[0];
}

static int run(char **words, const posix_spawn_file_actions_t *files) {
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, words[0], files, NULL, words, environ) != 0)
        return COULD_NOT_RUN;
    if (waitpid(pid, &status, 0) != pid)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs the programs one after the other; each "--next" has been replaced by NULL, and words[count] is NULL.
 */
static int run_all(char **words, int count, const posix_spawn_file_actions_t *files) {
    int failure = 0;
    for (int at = 0; at < count; at++) {
        if (at > 0 && words[at - 1] != NULL)
            continue;
        int status = run(words + at, files);
        if (failure == 0)
            failure = status;
    }
    return failure;
}

int main(void) {
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line, *words[WORDS_MAX + 1];
        int count = 0;
        line[strcspn(line, "\n")] = '\0';
        const char *input = strsep(&rest, "\t");
        while (rest != NULL && count < WORDS_MAX) {
            char *word = strsep(&rest, "\t");
            words[count++] = strcmp(word, "--next") == 0 ? NULL : word;
        }
        words[count] = NULL;

        int standard_input = filled_pipe(input);
        posix_spawn_file_actions_t files;
        if (posix_spawn_file_actions_init(&files) != 0 ||
            posix_spawn_file_actions_adddup2(&files, standard_input, STDIN_FILENO) != 0 ||
            posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0 ||
            posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO) != 0)
            die("posix_spawn_file_actions");
        int64_t start = now_ns();
        int status = run_all(words, count, &files);
        int64_t end = now_ns();
        posix_spawn_file_actions_destroy(&files);
        close(standard_input);
        printf("%" PRId64 " %d\n", end - start, status);
        fflush(stdout);
    }
    return 0;
}
