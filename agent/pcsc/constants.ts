// Constants of winscard as pcsc-lite has them, in its spelling. Values only: what they mean for us is in errors.ts.
// Source: pcsclite.h, reader.h and winscard.h of pcsc-lite 1.9.9; PC/SC part 10 (rev. 2.02.09), sections 2.2, 2.3 and 2.6.

// pcsclite.h, "ErrorCodes"
export const SCARD_S_SUCCESS = 0x00000000;
export const SCARD_F_INTERNAL_ERROR = 0x80100001;
export const SCARD_E_CANCELLED = 0x80100002;
export const SCARD_E_INVALID_HANDLE = 0x80100003;
export const SCARD_E_NO_MEMORY = 0x80100006;
export const SCARD_E_INSUFFICIENT_BUFFER = 0x80100008;
export const SCARD_E_UNKNOWN_READER = 0x80100009;
export const SCARD_E_TIMEOUT = 0x8010000a;
export const SCARD_E_SHARING_VIOLATION = 0x8010000b;
export const SCARD_E_NO_SMARTCARD = 0x8010000c;
export const SCARD_E_PROTO_MISMATCH = 0x8010000f;
export const SCARD_E_NOT_READY = 0x80100010;
export const SCARD_E_INVALID_VALUE = 0x80100011;
export const SCARD_E_SYSTEM_CANCELLED = 0x80100012;
export const SCARD_F_COMM_ERROR = 0x80100013;
export const SCARD_E_NOT_TRANSACTED = 0x80100016;
export const SCARD_E_READER_UNAVAILABLE = 0x80100017;
export const SCARD_P_SHUTDOWN = 0x80100018;
export const SCARD_E_NO_SERVICE = 0x8010001d;
export const SCARD_E_SERVICE_STOPPED = 0x8010001e;
export const SCARD_E_UNSUPPORTED_FEATURE = 0x8010001f;
export const SCARD_E_NO_READERS_AVAILABLE = 0x8010002e;
export const SCARD_E_SERVER_TOO_BUSY = 0x80100031;
export const SCARD_W_UNSUPPORTED_CARD = 0x80100065;
export const SCARD_W_UNRESPONSIVE_CARD = 0x80100066;
export const SCARD_W_UNPOWERED_CARD = 0x80100067;
export const SCARD_W_RESET_CARD = 0x80100068;
export const SCARD_W_REMOVED_CARD = 0x80100069;
export const SCARD_W_SECURITY_VIOLATION = 0x8010006a;

// pcsclite.h, scopes, protocols, sharing, dispositions
export const SCARD_SCOPE_SYSTEM = 2;
export const SCARD_PROTOCOL_T0 = 1;
export const SCARD_PROTOCOL_T1 = 2;
export const SCARD_SHARE_SHARED = 2;
export const SCARD_LEAVE_CARD = 0;
export const SCARD_RESET_CARD = 1;

// pcsclite.h, states of a reader in SCardGetStatusChange; the high word of dwEventState counts insertions and removals
export const SCARD_STATE_UNAWARE = 0x0000;
export const SCARD_STATE_CHANGED = 0x0002;
export const SCARD_STATE_UNKNOWN = 0x0004;
export const SCARD_STATE_UNAVAILABLE = 0x0008;
export const SCARD_STATE_EMPTY = 0x0010;
export const SCARD_STATE_PRESENT = 0x0020;
export const SCARD_STATE_MUTE = 0x0200;

/** The pseudo reader that reports added and removed readers (SCardGetStatusChange). */
export const PNP_NOTIFICATION = String.raw`\\?PnP?\Notification`;

// pcsclite.h, sizes in bytes
export const MAX_ATR_SIZE = 33;
export const MAX_READERNAME = 128;
/** PCSCLITE_MAX_READERS_CONTEXTS: readers of one SCardGetStatusChange, and of a pcscd as it is usually built. */
export const MAX_READERS_A_CALL = 16;
/** 4 + 3 + 65536 + 3 + 2: the longest APDU that pcscd takes or gives. */
export const MAX_BUFFER_SIZE_EXTENDED = 4 + 3 + (1 << 16) + 3 + 2;

// reader.h: SCARD_CTL_CODE(3400); PC/SC part 10, 2.2 and 2.6.14
export const CM_IOCTL_GET_FEATURE_REQUEST = 0x42000000 + 3400;
export const FEATURE_VERIFY_PIN_DIRECT = 0x06;
export const FEATURE_GET_TLV_PROPERTIES = 0x12;
export const PCSCv2_PART10_PROPERTY_bMinPINSize = 0x06;
export const PCSCv2_PART10_PROPERTY_bMaxPINSize = 0x07;
export const PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize = 0x0a;
export const PCSCv2_PART10_PROPERTY_wIdVendor = 0x0b;
export const PCSCv2_PART10_PROPERTY_wIdProduct = 0x0c;
