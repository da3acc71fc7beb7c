/*
 * The socket to scauthd: connect, check who is at the other end, send and receive whole buffers by a
 * deadline. It knows no frames. Deadlines are milliseconds of CLOCK_MONOTONIC.
 */
#ifndef SCAUTH_CONNECTION_H
#define SCAUTH_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

enum io_result {
    IO_DONE,
    IO_CLOSED,      /* the agent closed, in the middle of a frame or between two */
    IO_TIMED_OUT,   /* the deadline passed */
    IO_INTERRUPTED, /* a signal is pending on the signal descriptor */
    IO_TYPED,       /* something was typed on the descriptor that was watched for that */
    IO_FAILED,      /* errno says why */
};

/* Milliseconds since an arbitrary point, or -1 if the clock cannot be read. */
int64_t connection_now_ms(void);

/* Returns a descriptor that the caller closes, or -1 (and has logged why); then `absent` says whether nobody
 * listens, for certain. For `patience_ms` somebody who is absent is waited for. */
int connection_open(pam_handle_t *pamh, const struct options *options, int patience_ms, bool *absent);

/* Both move exactly `size` bytes. `signal_fd` may be -1: then no signal is watched. */
enum io_result connection_send(int fd, const void *bytes, size_t size, int64_t deadline_ms, int signal_fd);
enum io_result connection_receive(int fd, void *bytes, size_t size, int64_t deadline_ms, int signal_fd);

/* Waits until the agent has sent something (IO_DONE) or something can be read from `typed_fd` (IO_TYPED). */
enum io_result connection_await(int fd, int typed_fd, int64_t deadline_ms, int signal_fd);

#endif
