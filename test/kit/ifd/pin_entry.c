/*
 * One PIN entry. The "keys" are a Unix socket on which a test listens: it is sent the block in hex on one
 * line, and answers with one line: `type DIGITS`, `cancel`, `timeout` or `word XXXX`. Nobody there, or
 * nothing typed in time: time-out. See pin_entry.h.
 */
#include "pin_entry.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEYS "/run/sandbox/pinpad.sock"
#define STRUCTURE_SIZE 19u
#define BLOCK_MAX 300u

static long word(uint16_t sw, uint8_t *reply) {
    reply[0] = (uint8_t)(sw >> 8);
    reply[1] = (uint8_t)sw;
    return 2;
}

/* The line that the test answers with, without its end; false if there is none in time. */
static bool ask_keys(const uint8_t *block, size_t length, char *line, size_t room) {
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = KEYS};
    char shown[2 * BLOCK_MAX + 2];
    size_t at = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    for (size_t i = 0; i < length; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%02X", block[i]);
    shown[at++] = '\n';
    bool typed = false;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, shown, at, MSG_NOSIGNAL) == (ssize_t)at) {
        struct pollfd keys = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&keys, 1, block[0] * 1000) == 1 ? recv(fd, line, room - 1, 0) : 0;
        typed = got > 1 && line[got - 1] == '\n';
        if (typed)
            line[got - 1] = '\0';
    }
    close(fd);
    return typed;
}

/* What the reader can do: bytes, at an offset, left justified, ASCII, no length in the block, one 4-byte
 * header. */
static bool understood(const uint8_t *block, size_t length) {
    if (length < STRUCTURE_SIZE + 5 || length > BLOCK_MAX)
        return false;
    size_t data =
        (size_t)block[15] | (size_t)block[16] << 8 | (size_t)block[17] << 16 | (size_t)block[18] << 24;
    size_t pin_size = block[3] & 0x0F;
    size_t offset = block[2] >> 3 & 0x0F;
    return data == length - STRUCTURE_SIZE && (block[2] & 0x87) == 0x82 && (block[3] & 0xF0) == 0 &&
           block[4] == 0 && 5 + offset + pin_size <= data;
}

static long type(struct card_wire *wire, const uint8_t *block, size_t length, const char *digits,
                 uint8_t *reply, size_t room) {
    uint8_t command[BLOCK_MAX];
    size_t count = strlen(digits), size = block[3] & 0x0F, offset = block[2] >> 3 & 0x0F;
    if (count < block[6] || count > block[5] || count > size)
        return word(PAD_BAD_LENGTH, reply);
    memcpy(command, block + STRUCTURE_SIZE, length - STRUCTURE_SIZE);
    memcpy(command + 5 + offset, digits, count);
    return card_wire_exchange(wire, command, length - STRUCTURE_SIZE, reply, room);
}

long pin_entry_run(struct card_wire *wire, const uint8_t *block, size_t length, uint8_t *reply, size_t room) {
    char line[64];
    if (room < 2)
        return -1;
    if (!understood(block, length))
        return word(PAD_BAD_BLOCK, reply);
    if (!ask_keys(block, length, line, sizeof line) || strcmp(line, "timeout") == 0)
        return word(PAD_TIMED_OUT, reply);
    if (strcmp(line, "cancel") == 0)
        return word(PAD_CANCELLED, reply);
    if (strncmp(line, "word ", 5) == 0)
        return word((uint16_t)strtoul(line + 5, NULL, 16), reply);
    if (strncmp(line, "type ", 5) == 0)
        return type(wire, block, length, line + 5, reply, room);
    return -1;
}
