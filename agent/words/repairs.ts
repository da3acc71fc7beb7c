// Repairs that several findings share.

export const ENABLE_PAM = 'sudo scauth-pam enable';
export const RESTART = 'sudo systemctl restart scauthd';
export const RESTART_OR_LOG = `${RESTART}; its log: journalctl -u scauthd`;
/** A driver that does not work: a module that cannot begin, above all. */
export const LOOK_AT_DRIVERS =
  'sc_auth drivers -v says which; a PKCS#11 module may want init_args, groups or environment in [pkcs11] (scauth.toml(5)).';
export const NEEDS_DRIVER =
  'Ask the administrator for a driver of this card (a PKCS#11 module); another card may work.';
export const REINSTALL = 'Install scauth again: sudo apt install --reinstall scauth';
export const PAIR_AGAIN = 'sc_auth unpair, then sc_auth pair';
export const WHO_NEEDS_WHAT = 'sudo sc_auth enforce plan says why, and what each of them needs';

/** `ada, bob and 3 more`. @param count of all, also of those that are not named */
export function namedOf(names: readonly string[], count = names.length): string {
  return names.join(', ') + (count > names.length ? ` and ${count - names.length} more` : '');
}
