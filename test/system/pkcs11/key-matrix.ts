// A module that answers any CKR_… to the functions that make, change and delete keys on the machine's own chip: the stories of
// create-ctk-identity, import-ctk-certificate and delete-ctk-identity with the driver's own process. Only readers, person and
// log are fakes.

import { statSync } from 'node:fs';
import { AgentError, asAgentError } from '../../../agent/base/errors.ts';
import { parseCertificate, type Pkhh } from '../../../agent/model/key/key.ts';
import type { Identity } from '../../../agent/model/card/token.ts';
import type { PairingParts } from '../../../agent/stories/pair/pair.ts';
import { importCertificate } from '../../../agent/stories/setup/import-certificate.ts';
import { createMachineKey, deleteMachineKeys } from '../../../agent/stories/setup/machine-keys.ts';
import type { Token } from '../../../agent/token/interface.ts';
import { SlotPlugin } from '../../../agent/token/plugin/slot-driver.ts';
import { TokenRegistry } from '../../../agent/token/registry.ts';
import { failureText } from '../../../agent/words/failures.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { makeCertificate } from '../../kit/card/certificate.ts';
import { testAuthority } from '../../kit/card/profile.ts';
import { FakeReaders } from '../../kit/story/card-events.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  noHelpDesk,
  noTrust,
  PIN,
} from '../../kit/story/fakes.ts';
import { MAKES_KEYS, type Misbehaviour } from './code-matrix.ts';
import { buildShim, PROGRAM, ShimFolder } from './shim.ts';

const OFFICE = 'Office';
const peer = { pid: 7, uid: 1000, gid: 1000 };
/** Which of them a new token needs; the others are about its keys. */
const MAKES_TOKENS: readonly string[] = ['C_InitToken', 'C_InitPIN'];
const WORKED = 'done';
const LOOK_MS = 10_000;

/** Keys by their hash, with how many certificates each has. */
type Keys = ReadonlyMap<Pkhh, readonly string[]>;

export class KeyMatrix {
  readonly #folder = new ShimFolder([OFFICE]);
  readonly #tokens: TokenRegistry;
  readonly #parts: PairingParts;
  readonly #problems: string[] = [];
  readonly log: string[] = [];
  #where = '';
  #labels = 0;

  constructor() {
    const user = statSync(import.meta.dirname);
    this.#folder.giveTo(user);
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, buildShim(), 'digits'];
    const about = { id: 'org.scauth.pkcs11', version: '1', displayName: 'PKCS#11' };
    const program = { id: about.id, name: 'chip', groups: [], standing: true, argv };
    const { environment } = this.#folder;
    const as = { environment, uid: user.uid, gid: user.gid };
    const driver = new SlotPlugin(about, [{ ...program, ...as }], (line) => this.log.push(line));
    const readers = new FakeReaders();
    this.#tokens = new TokenRegistry(readers, [driver]);
    readers.tell({ kind: 'service', up: true });
    this.#tokens.start();
    this.#parts = {
      ...{ policy: () => defaultPolicy, pairings: new FakePairings(), tokens: this.#tokens, trust: noTrust },
      ...{ audit: new FakeAudit(), clock: { nowMs: () => 42, monotonicMs: () => 0 }, accounts },
      ...{ helpDesk: noHelpDesk, offerRider: () => null },
      checkPassword: () => Promise.reject(new AgentError('wrong-password')),
    };
  }

  stop(): void {
    this.#tokens.close();
    this.#folder.remove();
  }

  /** @returns what was not as it has to be */
  async play(misbehaviour: Misbehaviour): Promise<readonly string[]> {
    const { what, code, after } = misbehaviour;
    this.#problems.length = 0;
    this.#where = `${what} 0x${code.toString(16)}${after ? ' after its work' : ''}`;
    const bad = `${what} ${code.toString(16)}${after ? ' after' : ''}`;
    const before = await this.#keys();
    if (MAKES_TOKENS.includes(what)) await this.#newToken(bad);
    else {
      await this.#create(bad, before);
      this.#folder.misbehave();
      await this.#replaceAndDelete(bad, before);
    }
    this.#folder.misbehave();
    const now = await this.#keys();
    this.#is('in the end other keys are there than before', same(now, before));
    return this.#problems;
  }

  async #create(bad: string, before: Keys): Promise<void> {
    this.#folder.misbehave(bad);
    const made = await this.#told('create', () => this.#make(OFFICE, false));
    this.#folder.misbehave();
    const keys = await this.#keys();
    const fresh = [...keys].filter(([pkhh]) => !before.has(pkhh));
    if (made === WORKED) {
      this.#is('a key that was made is not there with one certificate', fresh[0]?.[1].length === 1);
    } else this.#is('half a key is left', fresh.length === 0);
    for (const [pkhh] of fresh) await this.#told('delete it again', () => this.#delete(pkhh), WORKED);
  }

  async #replaceAndDelete(bad: string, before: Keys): Promise<void> {
    await this.#told('create when all is well', () => this.#make(OFFICE, false), WORKED);
    const key = (await this.#identities()).find(({ publicKey }) => !before.has(publicKey.pkhh));
    if (key?.certificate == null) {
      this.#is('the key that was made has no certificate', false);
      return;
    }
    const { pkhh, keyObject } = key.publicKey;
    const issued = makeCertificate(keyObject, { cn: 'Ada' }, testAuthority('Test CA'));
    const certificate = parseCertificate(issued);
    const put = () => importCertificate(certificate, null, { peer, person: types(PIN), parts: this.#parts });
    this.#folder.misbehave(bad);
    const imported = await this.#told('import', put);
    this.#folder.misbehave();
    const ends = (await this.#keys()).get(pkhh) ?? [];
    const [old, next] = [key.certificate.der, issued].map((der) => der.toString('base64'));
    if (imported === WORKED) this.#is('the old certificate is shown', ends.join() === next);
    else
      this.#is(
        'another certificate, or none',
        ends.length > 0 && ends.every((one) => one === old || one === next),
      );

    this.#folder.misbehave(bad);
    const deleted = await this.#told('delete', () => this.#delete(pkhh));
    this.#folder.misbehave();
    const isThere = (await this.#keys()).has(pkhh);
    if (deleted === WORKED) this.#is('a key that was deleted is there', !isThere);
    if (isThere) await this.#told('delete when all is well', () => this.#delete(pkhh), WORKED);
  }

  async #newToken(bad: string): Promise<void> {
    const label = `Token ${++this.#labels}`;
    this.#folder.misbehave(bad);
    const made = await this.#told('new token', () => this.#make(label, true));
    this.#folder.misbehave();
    // A token that has its PIN all the same is used as it is; one that has none is not in the way.
    const tokens = await this.#tokens.present(LOOK_MS);
    const isThere = tokens.some((token) => token.label === label && token.keys !== undefined);
    if (made === WORKED) this.#is('a token that was made is not there', isThere);
    else await this.#told('the same token when all is well', () => this.#make(label, !isThere), WORKED);
    if (!(await this.#tokens.present(LOOK_MS)).some((token) => token.label === label)) return;
    const keys = [...(await this.#keys(label)).values()];
    this.#is('the token has not one key with one certificate', keys.length === 1 && keys[0]?.length === 1);
    const empty = () => deleteMachineKeys(null, label, this.#asked(PIN));
    await this.#told('delete its keys', empty, WORKED);
  }

  #make(label: string, newToken: boolean): Promise<unknown> {
    const wish = { token: newToken ? null : label, newToken, label, algorithm: 'p256' } as const;
    const typed = newToken ? [PIN, PIN] : [PIN];
    return createMachineKey(alice, { ...wish, subject: { commonName: 'Ada' } }, this.#asked(...typed));
  }

  #delete(pkhh: Pkhh): Promise<unknown> {
    return deleteMachineKeys(pkhh, null, this.#asked(PIN));
  }

  #asked(...typed: readonly string[]) {
    return { peer, person: types(...typed), parts: this.#parts };
  }

  /** @param wanted what has to come of it; absent: a sentence for the person will do. @returns `done`, or the failure's code */
  async #told(what: string, act: () => Promise<unknown>, wanted?: string): Promise<string> {
    try {
      await act();
      return WORKED;
    } catch (thrown) {
      const error = asAgentError(thrown);
      if (wanted !== undefined)
        this.#problems.push(`${this.#where}: ${what}: ${error.code}: ${error.detail}`);
      const text = failureText(error);
      const isSentence = /^[A-Z].*[.)]$/s.test(text) && !/undefined|null/.test(text);
      this.#is(`${what}: no cause or no sentence: ${error.detail}`, isSentence && error.code !== 'internal');
      return error.code;
    }
  }

  #is(problem: string, good: boolean): void {
    if (!good) this.#problems.push(`${this.#where}: ${problem}`);
  }

  /** Until it has been read, by itself where its driver had to begin anew. */
  async #untilIn(label: string): Promise<Token> {
    for (;;) {
      const [token] = (await this.#tokens.present(LOOK_MS)).filter((one) => one.label === label);
      if (token !== undefined) return token;
      await new Promise<void>((resolve) => {
        const stop = this.#tokens.onChange(() => {
          stop();
          resolve();
        });
      });
    }
  }

  async #identities(label = OFFICE): Promise<readonly Identity[]> {
    await this.#tokens.readAgain(await this.#untilIn(label), LOOK_MS);
    await this.#untilIn(label);
    return (await this.#tokens.present(LOOK_MS))
      .filter((one) => one.label === label)
      .flatMap((one) => one.identities);
  }

  async #keys(label = OFFICE): Promise<Keys> {
    const all = Map.groupBy(await this.#identities(label), ({ publicKey }) => publicKey.pkhh);
    const ends = ({ certificate }: Identity): string[] =>
      certificate === null ? [] : [certificate.der.toString('base64')];
    return new Map([...all].map(([pkhh, identities]) => [pkhh, identities.flatMap(ends)]));
  }
}

/** What a person types, who also says yes to a try that may be one of the last. */
function types(...typed: readonly string[]): FakePerson {
  const secrets = [...typed];
  const answer = (text: string): string => (/\byes\b/.test(text) ? 'yes' : (secrets.shift() ?? ''));
  return new FakePerson(Array.from({ length: 2 * typed.length }, () => answer));
}

function same(a: Keys, b: Keys): boolean {
  return a.size === b.size && [...a].every(([pkhh, ends]) => b.get(pkhh)?.join() === ends.join());
}

/** Each code, in place of the work and after it. @returns what was not as it has to be */
export async function playKeys(
  what: (typeof MAKES_KEYS)[number],
  codes: readonly number[],
): Promise<string[]> {
  const problems: string[] = [];
  // A look takes in so many tokens, and each play makes one.
  for (let from = 0; from < codes.length; from += 4) {
    const matrix = new KeyMatrix();
    try {
      for (const code of codes.slice(from, from + 4))
        for (const after of [false, true]) problems.push(...(await matrix.play({ what, code, after })));
    } finally {
      matrix.stop();
    }
  }
  return problems;
}
