/*
 * The wire to the software card, from the reader's side: two bytes of length, most significant first, then
 * the payload. See card_wire.h.
 */
#define _GNU_SOURCE /* accept4, SOCK_CLOEXEC */
#include "card_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

bool card_wire_open(struct card_wire *wire, uint16_t port) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    wire->card = -1;
    wire->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire->listener < 0)
        return false;
    setsockopt(wire->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(wire->listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(wire->listener, 1) == 0)
        return true;
    close(wire->listener);
    wire->listener = -1;
    return false;
}

static void forget_card(struct card_wire *wire) {
    if (wire->card >= 0)
        close(wire->card);
    wire->card = -1;
}

void card_wire_close(struct card_wire *wire) {
    forget_card(wire);
    if (wire->listener >= 0)
        close(wire->listener);
    wire->listener = -1;
}

bool card_wire_present(struct card_wire *wire) {
    const int yes = 1;
    uint8_t byte;
    if (wire->card >= 0 && recv(wire->card, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        forget_card(wire);
    if (wire->card < 0) {
        wire->card = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC);
        if (wire->card >= 0)
            setsockopt(wire->card, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    return wire->card >= 0;
}

static bool send_message(struct card_wire *wire, const uint8_t *payload, size_t length) {
    uint8_t message[2 + 0xFFFF];
    if (wire->card < 0 || length > 0xFFFF)
        return false;
    message[0] = (uint8_t)(length >> 8);
    message[1] = (uint8_t)length;
    for (size_t i = 0; i < length; i++)
        message[2 + i] = payload[i];
    for (size_t at = 0; at < 2 + length;) {
        ssize_t sent = send(wire->card, message + at, 2 + length - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            forget_card(wire);
            return false;
        }
        at += (size_t)sent;
    }
    return true;
}

static bool receive_all(struct card_wire *wire, uint8_t *bytes, size_t length) {
    if (length == 0)
        return true;
    if (recv(wire->card, bytes, length, MSG_WAITALL) == (ssize_t)length)
        return true;
    forget_card(wire);
    return false;
}

bool card_wire_power(struct card_wire *wire, enum card_control what) {
    const uint8_t code = (uint8_t)what;
    return send_message(wire, &code, 1);
}

long card_wire_exchange(struct card_wire *wire, const uint8_t *sent, size_t length, uint8_t *reply,
                        size_t room) {
    uint8_t head[2];
    if (!send_message(wire, sent, length) || !receive_all(wire, head, sizeof head))
        return -1;
    size_t size = (size_t)head[0] << 8 | head[1];
    if (size > room) {
        forget_card(wire);
        return -1;
    }
    return receive_all(wire, reply, size) ? (long)size : -1;
}
