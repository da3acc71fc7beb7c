// Object identifiers of RFC 5280, RFC 6960, RFC 4055, RFC 5758, RFC 8410 and Microsoft's and PKINIT's names.

export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  extKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  /** szOID_NTDS_CA_SECURITY_EXT, [MS-WCCE] 2.2.2.7.7.4 */
  accountSid: '1.3.6.1.4.1.311.25.2',
} as const;

/** CRL extensions, RFC 5280, 5.2. */
export const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';

export const OCSP_ACCESS = '1.3.6.1.5.5.7.48.1';
export const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
export const OCSP_BASIC = '1.3.6.1.5.5.7.48.1.1';
export const SHA1 = '1.3.14.3.2.26';

export const UPN = '1.3.6.1.4.1.311.20.2.3';
/** RFC 9598: SmtpUTF8Mailbox. */
export const SMTP_UTF8_MAILBOX = '1.3.6.1.5.5.7.8.9';
export const PKINIT_NAME = '1.3.6.1.5.2.2';
export const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';

/** Short names as openssl and SSSD write them. */
export const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  [EMAIL_ADDRESS]: 'E',
};
