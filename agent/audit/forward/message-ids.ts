// The journal's MESSAGE_ID of each kind of event: random once, fixed for ever (systemd.journal-fields(7)). People select
// by them: journalctl MESSAGE_ID=…

import type { AuditEvent } from '../../model/sealed-log/audit-event.ts';

export type ForwardedKind = AuditEvent['kind'] | 'anchor';

export const MESSAGE_IDS: Readonly<Record<ForwardedKind, string>> = {
  login: 'd5c492f1dc4c4e09860dab4e87ed2a81',
  'exemption-used': 'f726d45be86b479d8d22c9b88307334c',
  'break-glass-used': 'bdd5ed343ccc4583bc7ea4640f023f67',
  'pairing-added': 'ccffcec5cd9e49f0bbe98ce3c31cd172',
  'pairing-removed': '3e552d9594e74dbdbef62d19fe668503',
  'pairing-refused': '2a386b6f1def4369b4d17b6539b72f1b',
  'card-lost': 'a57eaa07c6444c22990b9227ece936a9',
  'card-found': '115b1bac1ad240e19bd47e8f95bbc2e2',
  'prompt-state': 'a0a22e35cd684edcb0b764328a21fd30',
  'policy-changed': '3e970e19f681444c9d5c381a2cc05f0c',
  'driver-changed': '6a5e4e7cd0e04ff3961719e53d2c9f71',
  'pin-checked': 'b584f8adfe9d4054bde62df77d79fcaa',
  'pin-changed': '04641db3b53a409e90fe4ad618280fcb',
  'pin-blocked': '4a8dc33d36cf4dcaa9ccdf85f45e4cd4',
  'card-in': '6c91735e495e4d6d9b9fdba35d317966',
  'card-out': '6774a78a9b0345ae98ede3701b534453',
  'card-suspect': '0fc0bbb9be914f9cb3cf9cd73638dcc9',
  'session-locked': 'f6a5d3b63ea54e9c8b7f39829c6e841a',
  keyring: '5eaf472d2c024183a0aa134a09d6e87a',
  'records-left-out': 'b0b5ff2a3d6c4c0c9a53d7c1a8e64f17',
  gap: '175200bb23104fd0b8d7fb78035898f1',
  anchor: '334b460fe5024fa98f06b38c70f73858',
};
