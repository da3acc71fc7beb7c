// What is said of the fleet's pairing book: in explain, doctor and lists, and of a login in the audit log.

import type { BookSource, FleetStanding } from '../model/book/book-state.ts';

const DATE_LENGTH = 10;

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, DATE_LENGTH);
}

/** For the audit log. */
export function pairedByBook({ officer, officerKey, number }: BookSource): string {
  return `paired by the fleet's book: record ${number}, signed by ${officer} (${officerKey.slice(0, 16)})`;
}

/** For a list. */
export function bookPairingText({ officer, number, notAfterMs }: BookSource): string {
  return `fleet: record ${number}, signed by ${officer}, until ${day(notAfterMs)}`;
}

/** How old a head is, as people say it. */
function ageText(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60 / 24)} days`;
}

/** The fleet-* words are what programs look for. */
const text = {
  fresh: (epoch: number, age: string, records: number) =>
    `fleet-fresh: head ${epoch} of the pairing book is ${age} old; ${records} records are known here`,
  stale: (age: string) =>
    `fleet-stale: the newest head of the pairing book is ${age} old, so its pairings do not count until a newer one comes`,
  noHead:
    'fleet-no-head: no head of the pairing book was taken yet, so nothing says what is revoked, and its pairings do not count',
  clock:
    'fleet-clock: the clock is behind a time that this machine has had before, so the pairings of the book do not count',
};

/** null: there is no fleet. */
export function fleetText({ freshness, head, ageMs, records }: FleetStanding): string | null {
  const age = ageText(ageMs ?? 0);
  switch (freshness) {
    case 'off':
      return null;
    case 'fresh':
      return text.fresh(head?.epoch ?? 0, age, records);
    case 'stale':
      return text.stale(age);
    case 'no-head':
      return text.noHead;
    case 'clock-set-back':
      return text.clock;
  }
}

/** What to do where the book does not count. */
export function fleetRemedy({ freshness }: Pick<FleetStanding, 'freshness'>): string {
  return freshness === 'clock-set-back'
    ? 'Set the clock. If it was ahead before: FLEET.md says how to begin anew.'
    : 'See why no newer book comes: systemctl status scauth-fleet, journalctl -u scauthd.';
}
