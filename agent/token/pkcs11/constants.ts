// Numbers of PKCS#11 as this driver uses them, in the specification's spelling.
// Specification: PKCS #11 Cryptographic Token Interface 2.40 and 3.0 (OASIS), pkcs11t.h.

// CK_C_INITIALIZE_ARGS
export const CKF_OS_LOCKING_OK = 0x00000002;

export const CKF_RW_SESSION = 0x00000002;
export const CKF_SERIAL_SESSION = 0x00000004;
// CK_SLOT_INFO
export const CKF_REMOVABLE_DEVICE = 0x00000002;
// CK_TOKEN_INFO
export const CKF_WRITE_PROTECTED = 0x00000002;
export const CKF_LOGIN_REQUIRED = 0x00000004;
export const CKF_USER_PIN_INITIALIZED = 0x00000008;
export const CKF_PROTECTED_AUTHENTICATION_PATH = 0x00000100;
export const CKF_TOKEN_INITIALIZED = 0x00000400;
export const CKF_USER_PIN_COUNT_LOW = 0x00010000;
export const CKF_USER_PIN_FINAL_TRY = 0x00020000;
export const CKF_USER_PIN_LOCKED = 0x00040000;

export const CKU_SO = 0;
export const CKU_USER = 1;
export const CKU_CONTEXT_SPECIFIC = 2;

export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;

export const CKA_CLASS = 0x00000000;
export const CKA_TOKEN = 0x00000001;
export const CKA_PRIVATE = 0x00000002;
export const CKA_LABEL = 0x00000003;
export const CKA_VALUE = 0x00000011;
export const CKA_CERTIFICATE_TYPE = 0x00000080;
export const CKA_ISSUER = 0x00000081;
export const CKA_SERIAL_NUMBER = 0x00000082;
export const CKA_CERTIFICATE_CATEGORY = 0x00000087;
export const CKA_KEY_TYPE = 0x00000100;
export const CKA_SUBJECT = 0x00000101;
export const CKA_ID = 0x00000102;
export const CKA_SENSITIVE = 0x00000103;
export const CKA_SIGN = 0x00000108;
export const CKA_VERIFY = 0x0000010a;
export const CKA_MODULUS = 0x00000120;
export const CKA_PUBLIC_EXPONENT = 0x00000122;
export const CKA_EXTRACTABLE = 0x00000162;
export const CKA_EC_PARAMS = 0x00000180;
export const CKA_EC_POINT = 0x00000181;
export const CKA_ALWAYS_AUTHENTICATE = 0x00000202;

export const CKK_RSA = 0x00;
export const CKK_EC = 0x03;
export const CKK_EC_EDWARDS = 0x40;

export const CKC_X_509 = 0;

export const CKM_RSA_PKCS = 0x00000001;
export const CKM_RSA_PKCS_PSS = 0x0000000d;
export const CKM_SHA256_RSA_PKCS = 0x00000040;
export const CKM_SHA256_RSA_PKCS_PSS = 0x00000043;
export const CKM_SHA256 = 0x00000250;
export const CKM_EC_KEY_PAIR_GEN = 0x00001040;
export const CKM_ECDSA = 0x00001041;
export const CKM_EDDSA = 0x00001057;
export const CKG_MGF1_SHA256 = 0x00000002;

export const CKR_OK = 0x000;
export const CKR_ATTRIBUTE_SENSITIVE = 0x011;
export const CKR_ATTRIBUTE_TYPE_INVALID = 0x012;
export const CKR_USER_ALREADY_LOGGED_IN = 0x100;
export const CKR_USER_NOT_LOGGED_IN = 0x101;
export const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191;
