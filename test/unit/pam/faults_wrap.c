/*
 * Stands between the module and libc (ld --wrap) in build/faults/pam_scauth.so: each call of the list WRAPPED
 * in pam/Makefile asks first whether it is to fail. A close that fails has closed, as on Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

/* A call that says -1 and sets errno. */
#define WRAP(type, name, parameters, arguments)                                                              \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters {                                                                          \
        int error = fault_due(#name);                                                                        \
        if (error == 0)                                                                                      \
            return __real_##name arguments;                                                                  \
        errno = error;                                                                                       \
        return -1;                                                                                           \
    }

WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size))
WRAP(ssize_t, read, (int fd, void *into, size_t size), (fd, into, size))
WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
WRAP(int, clock_gettime, (clockid_t clock, struct timespec *now), (clock, now))
WRAP(int, tcgetattr, (int fd, struct termios *attributes), (fd, attributes))
WRAP(int, tcsetattr, (int fd, int when, const struct termios *attributes), (fd, when, attributes))
WRAP(pid_t, tcgetpgrp, (int fd), (fd))
WRAP(int, tcflush, (int fd, int queue), (fd, queue))
WRAP(int, sigaction, (int number, const struct sigaction *new, struct sigaction *old), (number, new, old))
WRAP(int, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *facts),
     (fd, path, flags, mask, facts))
WRAP(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags) {
    int error = fault_due("send");
    if (error == 0)
        return __real_send(fd, bytes, fault_is_short() ? 1 : size, flags);
    errno = error;
    return -1;
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags) {
    int error = fault_due("recv");
    if (error == 0)
        return __real_recv(fd, bytes, fault_is_short() ? 1 : size, flags);
    errno = error;
    return -1;
}

int __wrap_open(const char *path, int flags, ...) {
    int error = fault_due("open");
    if (error == 0)
        return open64(path, flags); /* the module never creates a file */
    errno = error;
    return -1;
}

int __real_fcntl(int fd, int command, int argument);
int __wrap_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    int error = fault_due("fcntl");
    if (error == 0)
        return __real_fcntl(fd, command, argument);
    errno = error;
    return -1;
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int error = fault_due("ioctl");
    if (error == 0)
        return __real_ioctl(fd, request, argument);
    errno = error;
    return -1;
}

int __real_close(int fd);
int __wrap_close(int fd) {
    int error = fault_due("close");
    int result = __real_close(fd);
    if (error == 0)
        return result;
    errno = error;
    return -1;
}

int __real_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    int error = fault_due("pthread_sigmask");
    return error == 0 ? __real_pthread_sigmask(how, set, old) : error;
}

int __real_pam_get_item(const pam_handle_t *pamh, int type, const void **item);
int __wrap_pam_get_item(const pam_handle_t *pamh, int type, const void **item) {
    return fault_due("pam_get_item") == 0 ? __real_pam_get_item(pamh, type, item) : PAM_BUF_ERR;
}

int __real_pam_set_item(pam_handle_t *pamh, int type, const void *item);
int __wrap_pam_set_item(pam_handle_t *pamh, int type, const void *item) {
    return fault_due("pam_set_item") == 0 ? __real_pam_set_item(pamh, type, item) : PAM_BUF_ERR;
}

int __real_pam_putenv(pam_handle_t *pamh, const char *entry);
int __wrap_pam_putenv(pam_handle_t *pamh, const char *entry) {
    return fault_due("pam_putenv") == 0 ? __real_pam_putenv(pamh, entry) : PAM_BUF_ERR;
}

int __real_pam_get_data(const pam_handle_t *pamh, const char *name, const void **data);
int __wrap_pam_get_data(const pam_handle_t *pamh, const char *name, const void **data) {
    return fault_due("pam_get_data") == 0 ? __real_pam_get_data(pamh, name, data) : PAM_SYSTEM_ERR;
}

int __real_pam_set_data(pam_handle_t *pamh, const char *name, void *data,
                        void (*cleanup)(pam_handle_t *, void *, int));
int __wrap_pam_set_data(pam_handle_t *pamh, const char *name, void *data,
                        void (*cleanup)(pam_handle_t *, void *, int)) {
    return fault_due("pam_set_data") == 0 ? __real_pam_set_data(pamh, name, data, cleanup) : PAM_BUF_ERR;
}

struct passwd *__real_pam_modutil_getpwnam(pam_handle_t *pamh, const char *user);
struct passwd *__wrap_pam_modutil_getpwnam(pam_handle_t *pamh, const char *user) {
    return fault_due("pam_modutil_getpwnam") == 0 ? __real_pam_modutil_getpwnam(pamh, user) : NULL;
}

void __real_free(void *memory);
void __wrap_free(void *memory) {
    fault_freed(memory);
    __real_free(memory);
}
