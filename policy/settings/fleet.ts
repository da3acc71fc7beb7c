// The keys of [fleet]: where the pairing book comes from (scauth-fleet) and whom scauthd believes in it.

import * as v from 'valibot';
import { whole, type SettingTable } from './setting.ts';

const url = v.pipe(
  v.string('must be text'),
  v.regex(/^file:\/\/\/[^\0?#]{0,1000}$/, 'must be file:///FOLDER'),
);
const person = v.pipe(
  v.string('must be text'),
  v.regex(
    /^(all|@?[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,255})$/,
    'must be "all", the name of an account, or @ and that of a group',
  ),
);
export const fleetSettings = {
  url: {
    schema: v.pipe(
      v.array(url, 'must be a list of addresses'),
      v.maxLength(16, 'must name at most 16 addresses'),
    ),
    default: [],
    unit: null,
    meaning:
      'Where scauth-fleet gets the pairing book: folders or files (file:///FOLDER), each of which is read. [] means that there is no book.',
  },
  poll: {
    schema: whole(5, 3600),
    default: 60,
    unit: 'seconds',
    meaning:
      'How often the head and what has changed are fetched; up to a tenth earlier, so that machines do not come all at once. A revocation waits for this long at most. Warning: a head is stale after 24 hours.',
  },
  prefetch: {
    schema: v.pipe(
      v.array(person, 'must be a list of names'),
      v.maxLength(256, 'must have at most 256 names'),
    ),
    default: [],
    unit: null,
    meaning:
      'Whose records are fetched before their card is put in: names of accounts, @GROUP, or "all". Others are looked up at the first insertion. Warning: "all" brings the whole book to this machine.',
  },
} as const satisfies SettingTable;
