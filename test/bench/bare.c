/*
 * What a smart card login costs at least: the APDUs of one login of ours on libpcsclite, and nothing else. It
 * checks no signature and decides nothing. `npm run bench` compares with it and proves by the card's log that
 * it sends the same APDUs, in one transaction or, as when a person types meanwhile, in two.
 * Usage: bare READER p256|rsa2048 PIN 1|2. Specifications: winscard.h; SP 800-73-4 part 2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#define SHORT_DATA_MAX 255
#define PIN_BLOCK_SIZE 8

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol;

static void check(const char *what, LONG rv) {
    if (rv == SCARD_S_SUCCESS)
        return;
    fprintf(stderr, "bare: %s: %s\n", what, pcsc_stringify_error(rv));
    exit(1);
}

/* Sends one APDU, and answers the status word. */
static unsigned send_apdu(const BYTE *command, size_t size) {
    BYTE reply[SHORT_DATA_MAX + 3];
    DWORD length = sizeof reply;
    const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    check("SCardTransmit", SCardTransmit(card, pci, command, size, NULL, reply, &length));
    if (length < 2)
        exit(1);
    return (unsigned)reply[length - 2] << 8 | reply[length - 1];
}

static void expect(const char *what, unsigned found, unsigned wanted) {
    if (found == wanted)
        return;
    fprintf(stderr, "bare: %s: status word %04X\n", what, found);
    exit(1);
}

static void select_piv(void) {
    static const BYTE command[] = {0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0x00, 0x00,
                                   0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x00};
    expect("SELECT", send_apdu(command, sizeof command), 0x9000);
}

static void read_counter(void) {
    static const BYTE command[] = {0x00, 0x20, 0x00, 0x80};
    unsigned sw = send_apdu(command, sizeof command);
    /* 9000: whoever had the card before has left it verified. */
    expect("try counter", sw == 0x9000 ? 0x63C0 : sw & 0xFFF0, 0x63C0);
}

static void verify(const char *pin) {
    BYTE command[5 + PIN_BLOCK_SIZE] = {0x00, 0x20, 0x00, 0x80, PIN_BLOCK_SIZE};
    size_t length = strlen(pin);
    if (length > PIN_BLOCK_SIZE)
        exit(2);
    memset(command + 5, 0xFF, PIN_BLOCK_SIZE);
    memcpy(command + 5, pin, length);
    expect("VERIFY", send_apdu(command, sizeof command), 0x9000);
}

/* GENERAL AUTHENTICATE with 7C { 82 00, 81 32 bytes }; what is signed does not matter here. */
static void sign_p256(void) {
    BYTE command[5 + 38 + 1] = {0x00, 0x87, 0x11, 0x9A, 38, 0x7C, 36, 0x82, 0x00, 0x81, 32};
    memset(command + 11, 0x5A, 32);
    expect("GENERAL AUTHENTICATE", send_apdu(command, sizeof command), 0x9000);
}

/* The same with 256 bytes: 266 bytes of data in two chained APDUs, 264 bytes of reply in two pieces. */
static void sign_rsa2048(void) {
    BYTE data[266] = {0x7C, 0x82, 0x01, 0x06, 0x82, 0x00, 0x81, 0x82, 0x01, 0x00};
    memset(data + 10, 0x5A, 256); /* below any modulus of 2048 bits */
    BYTE first[5 + SHORT_DATA_MAX] = {0x10, 0x87, 0x07, 0x9A, SHORT_DATA_MAX};
    memcpy(first + 5, data, SHORT_DATA_MAX);
    expect("GENERAL AUTHENTICATE, first part", send_apdu(first, sizeof first), 0x9000);
    BYTE last[5 + 11 + 1] = {0x00, 0x87, 0x07, 0x9A, 11};
    memcpy(last + 5, data + SHORT_DATA_MAX, 11);
    unsigned sw = send_apdu(last, sizeof last);
    expect("GENERAL AUTHENTICATE", sw & 0xFF00, 0x6100);
    const BYTE get_response[] = {0x00, 0xC0, 0x00, 0x00, (BYTE)sw};
    expect("GET RESPONSE", send_apdu(get_response, sizeof get_response), 0x9000);
}

static void de_verify(void) {
    static const BYTE command[] = {0x00, 0x20, 0xFF, 0x80};
    expect("de-verify", send_apdu(command, sizeof command), 0x9000);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: bare READER p256|rsa2048 PIN 1|2\n");
        return 2;
    }
    check("SCardEstablishContext", SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
    check("SCardConnect", SCardConnect(context, argv[1], SCARD_SHARE_SHARED,
                                       SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol));
    check("SCardBeginTransaction", SCardBeginTransaction(card));
    select_piv();
    read_counter();
    if (strcmp(argv[4], "2") == 0) {
        check("SCardEndTransaction", SCardEndTransaction(card, SCARD_LEAVE_CARD));
        check("SCardBeginTransaction", SCardBeginTransaction(card));
        select_piv();
    }
    verify(argv[3]);
    if (strcmp(argv[2], "p256") == 0)
        sign_p256();
    else
        sign_rsa2048();
    de_verify();
    check("SCardEndTransaction", SCardEndTransaction(card, SCARD_LEAVE_CARD));
    check("SCardDisconnect", SCardDisconnect(card, SCARD_LEAVE_CARD));
    check("SCardReleaseContext", SCardReleaseContext(context));
    return 0;
}
