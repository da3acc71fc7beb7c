/*
 * The socket to scauthd. Nothing here can block longer than its deadline, raise SIGPIPE or leave a descriptor
 * behind. It does not know what the bytes mean. Specification: PROTOCOL.md, sections 1 and 1.4; unix(7).
 */
#define _GNU_SOURCE /* SO_PEERCRED's struct ucred */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* How long to wait before another try when the agent's queue of new connections is full, or nobody listens.
 */
#define PAUSE_MS 20

/* The folder beside the ordinary socket where root's peers have one of their own, which nobody else can fill.
 */
#define ROOT_FOLDER "root/"

int64_t connection_now_ms(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return -1;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until fd is ready for `events`, or `typed_fd` for reading (-1: it is not watched). The deadline is
 * never moved: bytes that trickle in do not help. But what is there is taken before time is called: a process
 * that its user has stopped meanwhile gets its answer all the same. */
static enum io_result wait_for_either(int fd, short events, int typed_fd, int64_t deadline_ms,
                                      int signal_fd) {
    for (;;) {
        int64_t now = connection_now_ms();
        if (now < 0)
            return IO_FAILED;
        int left = now < deadline_ms ? (int)(deadline_ms - now) : 0;
        struct pollfd watched[3] = {{.fd = fd, .events = events},
                                    {.fd = signal_fd, .events = POLLIN},
                                    {.fd = typed_fd, .events = POLLIN}};
        int ready = poll(watched, 3, left);
        if (ready < 0 && errno != EINTR)
            return IO_FAILED;
        if (ready > 0 && watched[1].revents != 0)
            return IO_INTERRUPTED;
        if (ready > 0 && watched[0].revents != 0)
            return IO_DONE; /* an error or a hang-up shows in the call that follows */
        if (left == 0)
            return IO_TIMED_OUT;
        if (ready > 0)
            return IO_TYPED;
    }
}

static enum io_result wait_until_ready(int fd, short events, int64_t deadline_ms, int signal_fd) {
    return wait_for_either(fd, events, -1, deadline_ms, signal_fd);
}

/* A descriptor 0, 1 or 2 (the program has closed its own) would be used as a standard stream by the
 * conversation, and prompts and answers would go to the agent. Moves it up; -1 if that fails. */
static int above_standard_streams(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

/* connect(2) on a non-blocking socket of this family is done at once, or says EAGAIN: the queue is full. */
static int connect_by(int fd, const struct sockaddr_un *address, int64_t deadline_ms) {
    for (;;) {
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return 0;
        bool queue_full = errno == EAGAIN;
        if (!queue_full && errno != EINTR)
            return -1;
        int64_t now = connection_now_ms();
        if (now < 0 || now >= deadline_ms) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (queue_full)
            poll(NULL, 0, PAUSE_MS);
    }
}

/* Nobody listens there. Any other failure may be the work of whoever started this program. */
static bool says_absent(int error) {
    return error == ENOENT || error == ECONNREFUSED;
}

/* The address of root's own socket. False: there is none for us. */
static bool root_address(const struct sockaddr_un *ordinary, struct sockaddr_un *address) {
    const char *name = strrchr(ordinary->sun_path, '/') + 1; /* the path is absolute */
    size_t folder = (size_t)(name - ordinary->sun_path);
    if (geteuid() != 0 || strlen(ordinary->sun_path) + sizeof ROOT_FOLDER > sizeof address->sun_path)
        return false;
    *address = *ordinary;
    memcpy(address->sun_path + folder, ROOT_FOLDER, sizeof ROOT_FOLDER - 1);
    strcpy(address->sun_path + folder + sizeof ROOT_FOLDER - 1, name);
    return true;
}

/* Root's own socket first; where it is not there, or not to be entered, the ordinary one. */
static int connect_once(int fd, const struct sockaddr_un *ordinary, int64_t deadline_ms) {
    struct sockaddr_un of_root;
    if (root_address(ordinary, &of_root)) {
        if (connect_by(fd, &of_root, deadline_ms) == 0)
            return 0;
        if (!says_absent(errno) && errno != EACCES && errno != ENOTDIR)
            return -1;
    }
    return connect_by(fd, ordinary, deadline_ms);
}

/* Who called listen(2) on the other end, as the kernel recorded it. */
static bool peer_is_root(int fd) {
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
        return false;
    return peer.uid == 0;
}

int connection_open(pam_handle_t *pamh, const struct options *options, int patience_ms, bool *absent) {
    const char *path = options->address.sun_path;
    int64_t now = connection_now_ms();
    int fd = above_standard_streams(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    *absent = false;
    if (now < 0 || fd < 0) {
        pam_syslog(pamh, LOG_ERR, "no socket or no clock: %m");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int64_t deadline = now + options->timeout_ms, patient_until = now + patience_ms;
    while (connect_once(fd, &options->address, deadline) != 0) {
        *absent = says_absent(errno);
        if (*absent && now >= 0 && now < patient_until) {
            poll(NULL, 0, PAUSE_MS);
            now = connection_now_ms();
            continue;
        }
        pam_syslog(pamh, LOG_NOTICE, "no scauthd at %s (%m); is the service running?", path);
        close(fd);
        return -1;
    }
    *absent = false;
    if (!peer_is_root(fd)) {
        pam_syslog(pamh, LOG_ERR, "what listens at %s is not root's: refused; check the owner of its folder",
                   path);
        close(fd);
        return -1;
    }
    return fd;
}

enum io_result connection_send(int fd, const void *bytes, size_t size, int64_t deadline_ms, int signal_fd) {
    const uint8_t *at = bytes;
    while (size > 0) {
        enum io_result ready = wait_until_ready(fd, POLLOUT, deadline_ms, signal_fd);
        if (ready != IO_DONE)
            return ready;
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return errno == EPIPE || errno == ECONNRESET ? IO_CLOSED : IO_FAILED;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return IO_DONE;
}

enum io_result connection_receive(int fd, void *bytes, size_t size, int64_t deadline_ms, int signal_fd) {
    uint8_t *at = bytes;
    while (size > 0) {
        enum io_result ready = wait_until_ready(fd, POLLIN, deadline_ms, signal_fd);
        if (ready != IO_DONE)
            return ready;
        ssize_t received = recv(fd, at, size, MSG_DONTWAIT);
        if (received < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return errno == ECONNRESET ? IO_CLOSED : IO_FAILED;
        }
        if (received == 0)
            return IO_CLOSED;
        at += received;
        size -= (size_t)received;
    }
    return IO_DONE;
}

enum io_result connection_await(int fd, int typed_fd, int64_t deadline_ms, int signal_fd) {
    return wait_for_either(fd, POLLIN, typed_fd, deadline_ms, signal_fd);
}
