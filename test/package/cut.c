/*
 * Preloaded into the programs of a package test: before the n-th change of a file it kills their whole
 * process group, as a power cut would. A change is: a file or folder made, emptied, renamed, linked, removed,
 * or written to the disk. What a power cut takes along (/tmp, /run, /dev, /proc) and the private copies of
 * scauth-pam are not counted. CUT_STEPS names the file that counts, a line for each change; CUT_AT is n, or 0
 * to count only.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Every line is as long as the others, so that the size of the file is the count. */
enum { LINE = 160 };

static int counts(const char *path) {
    static const char *const passing[] = {"/tmp/", "/run/", "/dev/", "/proc/", "/var/cache/", "/var/log/"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strncmp(path, passing[i], strlen(passing[i])) == 0)
            return 0;
    return strstr(path, "/scauth/pam/try.") == NULL;
}

/* A change that is about to be made: counted, and if it is the one, it does not come to it. */
static void step(const char *what, const char *path) {
    const char *steps = getenv("CUT_STEPS"), *at = getenv("CUT_AT");
    char line[LINE + 1];
    struct stat now;
    if (steps == NULL || at == NULL || path == NULL || !counts(path))
        return;
    snprintf(line, sizeof line, "%-7s %-*.*s\n", what, LINE - 9, LINE - 9, path);
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, steps, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, line, LINE) == LINE && fstat(fd, &now) == 0 && now.st_size / LINE == atol(at))
        kill(0, SIGKILL);
    close(fd);
}

/* The function of this name that would have been called without us. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static mode_t opening(const char *path, int flags, va_list rest) {
    if (flags & (O_CREAT | O_TRUNC))
        step("open", path);
    return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...) {                                                             \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        const mode_t mode = opening(path, flags, rest);                                                      \
        va_end(rest);                                                                                        \
        return REAL(name)(path, flags, mode);                                                                \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                         \
    int name(int folder, const char *path, int flags, ...) {                                                 \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        const mode_t mode = opening(path, flags, rest);                                                      \
        va_end(rest);                                                                                        \
        return REAL(name)(folder, path, flags, mode);                                                        \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                                          \
    FILE *name(const char *path, const char *mode) {                                                         \
        if (*mode != 'r')                                                                                    \
            step("open", path);                                                                              \
        return REAL(name)(path, mode);                                                                       \
    }
FOPEN(fopen)
FOPEN(fopen64)

int rename(const char *from, const char *to) {
    step("rename", to);
    return REAL(rename)(from, to);
}
int renameat(int fromFolder, const char *from, int toFolder, const char *to) {
    step("rename", to);
    return REAL(renameat)(fromFolder, from, toFolder, to);
}
int renameat2(int fromFolder, const char *from, int toFolder, const char *to, unsigned int flags) {
    step("rename", to);
    return REAL(renameat2)(fromFolder, from, toFolder, to, flags);
}
int link(const char *from, const char *to) {
    step("link", to);
    return REAL(link)(from, to);
}
int symlink(const char *target, const char *path) {
    step("symlink", path);
    return REAL(symlink)(target, path);
}
int unlink(const char *path) {
    step("unlink", path);
    return REAL(unlink)(path);
}
int unlinkat(int folder, const char *path, int flags) {
    step("unlink", path);
    return REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) {
    step("rmdir", path);
    return REAL(rmdir)(path);
}
int mkdir(const char *path, mode_t mode) {
    step("mkdir", path);
    return REAL(mkdir)(path, mode);
}
int fsync(int fd) {
    step("fsync", "");
    return REAL(fsync)(fd);
}
