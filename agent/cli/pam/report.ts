// Service by service, whether a card that is required is required there: for enforce, doctor and explain. It reads the PAM
// files and the settings, and asks nobody.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Policy } from '../../../policy/policy.ts';
import { isListed, OPENING_SERVICES, type OpeningService } from '../../../policy/services.ts';
import { leftOut } from '../../words/pam-files.ts';
import { coverOf } from './cover.ts';
import { FOLDERS } from './stack.ts';

export interface ServiceCover {
  readonly service: string;
  readonly opens: string;
  /** `left-out`: the settings do not require the card there. */
  readonly state: 'covered' | 'uncovered' | 'left-out';
  /** Where our line is, or what is wrong. */
  readonly why: string;
  /** null where nothing is to be done. */
  readonly repair: string | null;
}

/** Where a card is required. */
export type Settings = Pick<Policy, 'login' | 'enforcement'>;

/** Debian's file from which `scauth-pam enable` makes the common stacks. */
const PROFILE = '/usr/share/pam-configs/scauth';

export function hasProfile(root = '/'): boolean {
  return existsSync(join(root, PROFILE));
}

function isInstalled(service: string, root: string): boolean {
  const program = OPENING_SERVICES.get(service)?.program ?? null;
  if (program !== null && !existsSync(join(root, program))) return false;
  return FOLDERS.some((folder) => existsSync(join(root, folder, service)));
}

/** The setting that lets a password be enough there; null: none. */
function leftOutBy({ login, enforcement }: Settings, service: string, remote: boolean): string | null {
  if (!isListed(login.services, service)) return leftOut.login;
  const isNamed = enforcement.services.includes('*') || enforcement.services.includes(service);
  if (!isNamed) return leftOut.enforcement;
  return remote && !enforcement.remote ? leftOut.remote : null;
}

function judge(service: string, known: OpeningService, config: Settings, root: string): ServiceCover {
  const { opens, remote } = known;
  const setting = leftOutBy(config, service, remote);
  if (setting !== null) return { service, opens, state: 'left-out', why: setting, repair: null };
  const cover = coverOf(service, known, hasProfile(root), root);
  return cover.covered
    ? { service, opens, state: 'covered', why: cover.why, repair: null }
    : { service, opens, state: 'uncovered', why: cover.why, repair: cover.repair };
}

const ANOTHER: OpeningService = {
  opens: 'what the settings name',
  heeds: 'account',
  remote: false,
  program: null,
};

/** Of one service, whether or not it is one that opens the machine. */
export function coverOfService(service: string, config: Settings, root = '/'): ServiceCover {
  return judge(service, OPENING_SERVICES.get(service) ?? ANOTHER, config, root);
}

/** Of every service that has a file here, and that opens the machine or is named in enforcement.services. */
export function coverOfAll(config: Settings, root = '/'): ServiceCover[] {
  const named = config.enforcement.services.filter((service) => service !== '*');
  return [...new Set([...OPENING_SERVICES.keys(), ...named])]
    .filter((service) => isInstalled(service, root))
    .map((service) => coverOfService(service, config, root));
}
