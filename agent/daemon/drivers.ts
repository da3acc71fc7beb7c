// Makes the token drivers that the configuration asks for, in the order in which they are asked, and the list of all of
// them for `sc_auth drivers`. A part of main.ts: it decides nothing.

import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Policy } from '../../policy/policy.ts';
import { productVersion } from '../base/product-version.ts';
import type { DriverInfo } from '../model/card/driver.ts';
import type { CardKeyCheck, SlotDriver, TokenDriver } from '../token/interface.ts';
import { PivDriver } from '../token/piv/driver.ts';
import { CardPlugin } from '../token/plugin/card-driver.ts';
import { numberedUser, systemAccount, type DriverUser } from '../token/plugin/confine.ts';
import { findDrivers, INTERFACE_VERSION } from '../token/plugin/manifest.ts';
import { SlotPlugin, type SlotProgram } from '../token/plugin/slot-driver.ts';

const PIV = {
  ...{ id: 'org.scauth.piv', displayName: 'PIV (SP 800-73)', shortName: 'PIV' },
  uuid: 'D1D6EA5C-9C41-4C2B-8F0C-6B0A3C1B7E52',
};
const PKCS11 = {
  ...{ id: 'org.scauth.pkcs11', displayName: 'PKCS#11 modules', shortName: 'PKCS#11' },
  uuid: 'B0B2D3A6-5F0E-4E0B-9D55-7C1E6A9F2C14',
};
/** The account that install/systemd/scauth.sysusers makes for the modules' processes, and pcscd's polkit lets in. */
export const PKCS11_ACCOUNT = 'scauth-driver';
const SHIPPED_VERSION = productVersion();
/** Where Debian and others put OpenSC's module. */
const OPENSC_PATHS = [
  ...['x86_64', 'aarch64', 'arm', 'i386', 'riscv64'].map(
    (cpu) => `/usr/lib/${cpu}-linux-gnu/opensc-pkcs11.so`,
  ),
  ...['/usr/lib/arm-linux-gnueabihf', '/usr/lib64', '/usr/lib/pkcs11', '/usr/lib'].map(
    (folder) => `${folder}/opensc-pkcs11.so`,
  ),
];

export interface WiredDrivers {
  /** In the order in which they are asked. */
  readonly drivers: readonly (TokenDriver | SlotDriver)[];
  /** All that are there, used or not. */
  readonly list: () => readonly DriverInfo[];
}

interface Candidate {
  readonly info: DriverInfo;
  /** Asked only where the driver is used. */
  readonly make: () => TokenDriver | SlotDriver;
  readonly problems?: () => readonly string[];
  /** Of these, those that are so now. */
  readonly failing?: () => readonly string[];
}

type Log = (line: string) => void;

/** Node as scauthd itself runs, for the drivers that are written in TypeScript. */
function nodeProgram(path: URL, ...args: readonly string[]): string[] {
  return [process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(path), ...args];
}

function shipped(about: typeof PIV, path: URL, kind: 'card' | 'token', uid: number | null): DriverInfo {
  const file = fileURLToPath(path);
  return {
    ...{ ...about, version: SHIPPED_VERSION, parent: 'scauth', path: file, kind, uid },
    ...{ builtIn: true, interfaceVersion: INTERFACE_VERSION, state: 'ready', problems: [] },
    changedAtMs: statSync(file).mtimeMs,
  };
}

function pivCandidate(isolate: boolean, check: CardKeyCheck, log: Log): Candidate {
  if (!isolate) {
    const path = new URL('../token/piv/driver.ts', import.meta.url);
    return { info: shipped(PIV, path, 'card', null), make: () => new PivDriver(check) };
  }
  const path = new URL('../token/piv/program.ts', import.meta.url);
  const user = numberedUser(PIV.id);
  const program = { id: PIV.id, name: PIV.id, argv: nodeProgram(path), environment: {}, ...user, groups: [] };
  const about = { ...PIV, version: SHIPPED_VERSION };
  return {
    info: shipped(PIV, path, 'card', user.uid),
    ...madeOnce(() => new CardPlugin(about, program, log, check)),
  };
}

/** A driver of processes, and what they say of themselves once it is made. */
function madeOnce(make: () => CardPlugin | SlotPlugin): Omit<Candidate, 'info'> {
  let made: CardPlugin | SlotPlugin | null = null;
  return {
    problems: () => made?.problems() ?? [],
    failing: () => made?.failing() ?? [],
    make: () => {
      made = make();
      return made;
    },
  };
}

/** One program for each module. OpenSC's has tokens in readers only. */
function pkcs11Programs(settings: Policy['pkcs11'], user: DriverUser): SlotProgram[] {
  const path = new URL('../token/pkcs11/program.ts', import.meta.url);
  const environment = Object.fromEntries(
    settings.environment.map((entry) => {
      const [name = '', ...value] = entry.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  const openSc = OPENSC_PATHS.find((file) => existsSync(file));
  return settings.modules.flatMap((module) => {
    const {
      path: named,
      init_args: initArgs,
      groups: own,
    } = typeof module === 'string' ? { path: module, init_args: '', groups: [] } : module;
    const file = named === 'opensc' ? openSc : named;
    if (file === undefined) return [];
    const argv = nodeProgram(path, file, settings.anyPin ? 'printable' : 'digits', initArgs);
    const name = `${PKCS11.id} (${file})`;
    const groups = [...new Set([...settings.groups, ...own])];
    return [{ id: PKCS11.id, name, argv, environment, ...user, groups, standing: file !== openSc }];
  });
}

/** Without its account (scauthd was not installed but started by hand) a number does, where pcscd asks no polkit. */
export function pkcs11User(): DriverUser {
  return systemAccount(PKCS11_ACCOUNT) ?? numberedUser(PKCS11.id);
}

function pkcs11Candidate(settings: Policy['pkcs11'], log: Log): Candidate {
  const path = new URL('../token/pkcs11/program.ts', import.meta.url);
  const user = pkcs11User();
  const about = { ...PKCS11, version: SHIPPED_VERSION };
  return {
    info: shipped(PKCS11, path, 'token', user.uid),
    ...madeOnce(() => new SlotPlugin(about, pkcs11Programs(settings, user), log)),
  };
}

function installedCandidates(check: CardKeyCheck, log: Log): Candidate[] {
  return findDrivers([PIV.id, PKCS11.id]).map(({ info, running }) => {
    const program = running && {
      ...{ id: info.id, name: info.id, argv: [running.program], environment: {}, groups: [] },
      ...{ ...running.user, standing: true },
    };
    const make = (): CardPlugin | SlotPlugin => {
      if (program === null) throw new Error(`${info.id} cannot be used`);
      return info.kind === 'token'
        ? new SlotPlugin(info, [program], log)
        : new CardPlugin(info, program, log, check);
    };
    return { info, ...madeOnce(make) };
  });
}

/** What is named in `order` first, in that order; then the others as they come. */
function inOrder(candidates: readonly Candidate[], order: readonly string[]): Candidate[] {
  const place = ({ info }: Candidate): number => {
    const at = order.indexOf(info.id);
    return at < 0 ? order.length : at;
  };
  return [...candidates].sort((a, b) => place(a) - place(b));
}

/** @param log one line for the agent's log */
export function wireDrivers(config: Policy, check: CardKeyCheck, log: Log): WiredDrivers {
  const { disabled, order } = config.tokens;
  const candidates = inOrder(
    [
      pivCandidate(config.piv.isolate, check, log),
      ...installedCandidates(check, log),
      pkcs11Candidate(config.pkcs11, log),
    ],
    order,
  );
  const isOff = ({ info }: Candidate): boolean => disabled.includes(info.id);
  for (const { info } of candidates)
    for (const problem of info.problems) log(`driver ${info.id} is not used: ${problem}`);
  return {
    drivers: candidates
      .filter((candidate) => candidate.info.state === 'ready' && !isOff(candidate))
      .map(({ make }) => make()),
    list: () =>
      candidates.map((candidate) => {
        const { info, problems, failing } = candidate;
        if (isOff(candidate)) return { ...info, state: 'disabled' as const };
        return {
          ...info,
          problems: [...info.problems, ...(problems?.() ?? [])],
          failing: [...info.problems, ...(failing?.() ?? [])],
        };
      }),
  };
}
