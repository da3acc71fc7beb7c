/*
 * The wire to the software card: the card is a TCP client, and speaks as it does with vsmartcard's vpcd (see
 * test/kit/card/vpcd.ts). One card at a time. It knows no APDU.
 */
#ifndef CARD_WIRE_H
#define CARD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum card_control { CARD_OFF = 0, CARD_ON = 1, CARD_RESET = 2, CARD_ATR = 4 };

struct card_wire {
    int listener;
    int card; /* -1: no card is in */
};

/* Waits for cards on 127.0.0.1. */
bool card_wire_open(struct card_wire *wire, uint16_t port);
void card_wire_close(struct card_wire *wire);

/* Whether a card is in now; takes one that has come. */
bool card_wire_present(struct card_wire *wire);

/* CARD_OFF, CARD_ON, CARD_RESET: nothing is answered. */
bool card_wire_power(struct card_wire *wire, enum card_control what);

/* Sends a payload and receives the answer. -1 if there is no card, or it went. */
long card_wire_exchange(struct card_wire *wire, const uint8_t *sent, size_t length, uint8_t *reply,
                        size_t room);

#endif
