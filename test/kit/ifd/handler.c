/*
 * libifdpinpad.so: a reader with a PIN pad for pcscd, with the software card in it (vpcd has no
 * SCardControl). One reader, one slot; pcscd calls it from one thread at a time. For tests only.
 * Specification: pcsc-lite's ifdhandler.h (version 3); PC/SC part 10 (rev. 2.02.09), 2.2, 2.5.2 and 2.6.
 */
#include <ifdhandler.h>
#include <reader.h>
#include <stdlib.h>
#include <string.h>

#include "card_wire.h"
#include "pin_entry.h"

#define VERIFY_PIN_CODE 0x42000DB1u
#define PROPERTIES_CODE 0x42000DB2u

static struct card_wire wire = {-1, -1};
static uint8_t card_atr[MAX_ATR_SIZE];
static DWORD card_atr_length;

RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR name) {
    (void)lun;
    const char *port = strrchr(name, ':'); /* /dev/null:0x8C82 */
    if (port == NULL || !card_wire_open(&wire, (uint16_t)strtoul(port + 1, NULL, 16)))
        return IFD_COMMUNICATION_ERROR;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHCreateChannel(DWORD lun, DWORD channel) {
    (void)lun;
    return card_wire_open(&wire, (uint16_t)channel) ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE IFDHCloseChannel(DWORD lun) {
    (void)lun;
    card_wire_close(&wire);
    return IFD_SUCCESS;
}

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD length, PUCHAR value) {
    (void)lun;
    switch (tag) {
    case TAG_IFD_ATR:
        if (*length < card_atr_length)
            return IFD_ERROR_INSUFFICIENT_BUFFER;
        memcpy(value, card_atr, card_atr_length);
        *length = card_atr_length;
        return IFD_SUCCESS;
    case TAG_IFD_SLOTS_NUMBER:
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        if (*length < 1)
            return IFD_ERROR_INSUFFICIENT_BUFFER;
        *value = 1;
        *length = 1;
        return IFD_SUCCESS;
    default:
        return IFD_ERROR_TAG;
    }
}

RESPONSECODE IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD length, PUCHAR value) {
    (void)lun, (void)tag, (void)length, (void)value;
    return IFD_NOT_SUPPORTED;
}

RESPONSECODE IFDHSetProtocolParameters(DWORD lun, DWORD protocol, UCHAR flags, UCHAR pts1, UCHAR pts2,
                                       UCHAR pts3) {
    (void)lun, (void)protocol, (void)flags, (void)pts1, (void)pts2, (void)pts3;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD atr_length) {
    (void)lun;
    const uint8_t give_atr = CARD_ATR;
    if (action == IFD_POWER_DOWN) {
        card_wire_power(&wire, CARD_OFF);
        card_atr_length = 0;
        *atr_length = 0;
        return IFD_SUCCESS;
    }
    if (!card_wire_power(&wire, action == IFD_RESET ? CARD_RESET : CARD_ON))
        return IFD_ERROR_POWER_ACTION;
    long size = card_wire_exchange(&wire, &give_atr, 1, card_atr, sizeof card_atr);
    if (size <= 0)
        return IFD_ERROR_POWER_ACTION;
    card_atr_length = (DWORD)size;
    memcpy(atr, card_atr, card_atr_length);
    *atr_length = card_atr_length;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER send_pci, PUCHAR sent, DWORD length, PUCHAR reply,
                               PDWORD reply_length, PSCARD_IO_HEADER receive_pci) {
    (void)lun;
    long size = card_wire_exchange(&wire, sent, length, reply, *reply_length);
    *reply_length = size < 0 ? 0 : (DWORD)size;
    if (receive_pci != NULL)
        receive_pci->Protocol = send_pci.Protocol;
    return size < 0 ? IFD_COMMUNICATION_ERROR : IFD_SUCCESS;
}

RESPONSECODE IFDHICCPresence(DWORD lun) {
    (void)lun;
    return card_wire_present(&wire) ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}

static RESPONSECODE give(const uint8_t *bytes, DWORD count, PUCHAR reply, DWORD room, LPDWORD returned) {
    if (room < count)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(reply, bytes, count);
    *returned = count;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHControl(DWORD lun, DWORD code, PUCHAR sent, DWORD length, PUCHAR reply, DWORD room,
                         LPDWORD returned) {
    /* Feature, length, control code with the most significant byte first. */
    static const uint8_t features[] = {FEATURE_VERIFY_PIN_DIRECT,  4, 0x42, 0x00, 0x0D, 0xB1,
                                       FEATURE_GET_TLV_PROPERTIES, 4, 0x42, 0x00, 0x0D, 0xB2};
    /* Property, length, value with the least significant byte first. */
    static const uint8_t properties[] = {PCSCv2_PART10_PROPERTY_bMinPINSize,
                                         1,
                                         4,
                                         PCSCv2_PART10_PROPERTY_bMaxPINSize,
                                         1,
                                         12,
                                         PCSCv2_PART10_PROPERTY_wIdVendor,
                                         2,
                                         0xAD,
                                         0xDE,
                                         PCSCv2_PART10_PROPERTY_wIdProduct,
                                         2,
                                         0xEF,
                                         0xBE,
                                         PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize,
                                         4,
                                         0x00,
                                         0x00,
                                         0x01,
                                         0x00};
    (void)lun;
    *returned = 0;
    switch (code) {
    case CM_IOCTL_GET_FEATURE_REQUEST:
        return give(features, sizeof features, reply, room, returned);
    case PROPERTIES_CODE:
        return give(properties, sizeof properties, reply, room, returned);
    case VERIFY_PIN_CODE: {
        long size = pin_entry_run(&wire, sent, length, reply, room);
        *returned = size < 0 ? 0 : (DWORD)size;
        return size < 0 ? IFD_COMMUNICATION_ERROR : IFD_SUCCESS;
    }
    default:
        return IFD_NOT_SUPPORTED;
    }
}
