// sc_auth book: the pairing book of a fleet, made and signed by its officers (FLEET.md). Each verb has its file in book/.

import type { Command, CommandContext } from '../context.ts';
import { verbOf } from '../verb.ts';

const actions = {
  init: async () => (await import('../book/make.ts')).init,
  add: async () => (await import('../book/make.ts')).add,
  revoke: async () => (await import('../book/sign.ts')).revoke,
  sign: async () => (await import('../book/sign.ts')).sign,
  export: async () => (await import('../book/check.ts')).exportBook,
  verify: async () => (await import('../book/check.ts')).verify,
};

const VERBS = Object.keys(actions) as (keyof typeof actions)[];

const help = `sc_auth book ${VERBS.join('|')} -f FILE [options]

The pairing book of a fleet: many machines take the pairings that its officers sign with their own cards. Whoever carries
the book can withhold what it says, and add nothing. FLEET.md has the whole of it.

  init     a book, or one more of its first officers: the card that is in, as a draft
  add      a draft for a person's card, a further officer or a key for heads
  sign     your card signs all drafts by one PIN; with --head-key the on-line key signs a new head
  revoke   a new head that says no to a key, an account's records or an item
  export   what is signed, for machines
  verify   whether all is signed by whom it needs, and whole

  -f, --file FILE         the book
  --realm NAME            init: the fleet, as fleet.realm of the machines has it
  --name NAME             init, add --officer, add --new-head-key: what the officer is called
  --groups LIST           init, add --officer: groups whose members they may pair (*), separated by commas
  --hosts LIST            init, add --officer: on which hosts (*)
  --days N                how long it is valid: officers 1826, people 731
  -h, --hash HASH         the key on the card that is in; revoke: this key, for everybody
  -u, --user USER         add: whose card it is; revoke: the records of this account
  -c, --certificate FILE  add: the key of this certificate (PEM or DER), not of the card that is in
  --label TEXT            add: what lists call the card
  --from LIST             add: a CSV file with the columns user and certificate
  --officer               add: a further officer; sign once by two others (sign --officers)
  --new-head-key FILE     add: makes an on-line key in FILE, and a draft that names it
  --officers              sign: also lines of officers that others have signed; export: these alone
  --head-key FILE         sign, revoke: the on-line key (PEM, Ed25519 or P-256)
  --number N              revoke: the item with this number
  -o, --out FILE          export: where it goes; it must not be there yet
  --ldif                  export: as changes for a directory, for ldapmodify
  --base DN               export --ldif: below it are cn=book and ou=people
  --people DN             export --ldif: below which the people are, if elsewhere
  --user-attribute NAME   export --ldif: by what they are named there (uid)
  --have-class            export --ldif: they have the class scauthPerson already (389 Directory Server)
  --signer FILE|SHA256    verify: the officers' lines, or one officer's key, that machines pin
  --threshold N           verify: how many officers name a further one (2)
  --pin-fd N              sign: read the PIN from the open file descriptor N, one line
  --json                  one JSON document

The officer's card has to be paired with the officer's account on the machine where it signs. The PIN is sent to the card
for each line, so it is typed once for up to 1000, whatever the slot's PIN policy; a key that wants a touch wants one for
each: use one that does not (9A) for long lists. A head is valid for a day: sign one each hour by a timer.

Examples:
  sc_auth book init -f fleet.book --realm example.org --name Olga
  sc_auth book add -f fleet.book -u ada -c ada.pem
  sc_auth book sign -f fleet.book
  sc_auth book revoke -f fleet.book -u ada --head-key head.pem
  sc_auth book export -f fleet.book -o book
Exit codes: 0 done, and for verify: all is well; 1 verify: it is not; 2 wrong usage; 3 wrong PIN, or not allowed;
4 no card or no key; 5 scauthd cannot be reached; 130 cancelled.
`;

async function run([verb, ...args]: readonly string[], context: CommandContext): Promise<void> {
  const action = await actions[verbOf('book', verb, VERBS)]();
  await action(args, context);
}

export const command: Command = { help, run };
