// PAM files of sudo in which a card does not open, and what sc_auth explain says of each.

export const UNIX = 'auth required pam_unix.so try_first_pass nodelay';
export const OURS = 'auth sufficient pam_scauth.so';

/** Title, /etc/pam.d/sudo (null: no file), what is said. */
export const pamFiles: readonly (readonly [string, string | null, RegExp])[] = [
  ['no line of ours', UNIX, /does not lead to pam_scauth/],
  ['our line is commented out', `# ${OURS}\n${UNIX}`, /does not lead to/],
  ['our line is for the account phase only', `account sufficient pam_scauth.so\n${UNIX}`, /does not lead to/],
  [
    'the password is asked first',
    `auth sufficient pam_unix.so\n${OURS}\nauth required pam_deny.so`,
    /pam_unix\.so stands before it \(\/etc\/pam\.d\/sudo, line 1\)/,
  ],
  [
    'the password is asked first in an included file',
    `@include asks-first\n${OURS}`,
    /asks-first, line 2\) and asks first/,
  ],
  ['pam_deny before us', `auth requisite pam_deny.so\n${OURS}`, /nobody gets in/],
  ['pam_permit before us', `auth sufficient pam_permit.so\n${OURS}`, /everybody gets in/],
  ['optional', `auth optional pam_scauth.so\n${UNIX}`, /its yes does not count/],
  ['success=ignore', `auth [success=ignore default=ignore] pam_scauth.so\n${UNIX}`, /success=ignore/],
  ['success is not named', `auth [default=ignore] pam_scauth.so\n${UNIX}`, /its yes does not count/],
  [
    'a jump to pam_deny',
    `auth [success=1 default=ignore] pam_scauth.so\n${UNIX}\nauth requisite pam_deny.so\n`,
    /jumps to pam_deny/,
  ],
  [
    'a jump to the password',
    `auth [success=1 default=ignore] pam_scauth.so\nauth optional pam_echo.so\n${UNIX}\n`,
    /jumps to pam_unix/,
  ],
  ['a jump behind the end', `auth [success=3 default=ignore] pam_scauth.so\n${UNIX}\n`, /past the end/],
  [
    'an included file is not there',
    `@include nowhere\n${OURS}\n${UNIX}`,
    /includes nowhere, which is not there/,
  ],
  ['a file that includes itself', `auth include sudo\n${OURS}`, /itself/],
  ['a word that is no type', `auht sufficient pam_scauth.so\n${UNIX}`, /no type that PAM knows \('auht'\)/],
  [
    'a module that is not installed',
    `auth sufficient /opt/scauth/pam_scauth.so\n${UNIX}`,
    /is not installed/,
  ],
  ['a substack that ends alone', `auth substack card\n${UNIX}`, /in a substack/],
  ['no file for the service', null, /does not lead to .*PAM takes \/etc\/pam\.d\/other/],
];
