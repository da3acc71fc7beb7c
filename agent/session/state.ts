// A reply of Monitor as typed values: each field is checked once, here. What is not known is left out.

import { AgentError } from '../base/errors.ts';
import type { WireRemoval, WireSessionCard } from '../protocol/io-scauth.ts';

type Standing = 'unpaired' | 'own' | 'others' | 'unfit';
const STANDINGS: readonly string[] = ['unpaired', 'own', 'others', 'unfit'] satisfies Standing[];

export interface SeenCard extends WireSessionCard {
  readonly standing: Standing;
}

export interface SessionState {
  readonly user: string;
  readonly loggingIn: boolean;
  readonly cards: readonly SeenCard[];
  readonly removals: readonly WireRemoval[];
}

type Fields = Readonly<Record<string, unknown>>;

function malformed(what: string): AgentError {
  return new AgentError('malformed', { detail: `scauthd's ${what} makes no sense` });
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw malformed(name);
  return value;
}

function textOrNull(fields: Fields, name: string): string | null {
  return (fields[name] ?? null) === null ? null : text(fields, name);
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw malformed(name);
  return value;
}

function number(fields: Fields): number {
  const { number: value } = fields;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw malformed('number');
  return value;
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw malformed(name);
  return value as unknown[];
}

function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw malformed('list');
  return value as Fields;
}

function readCard(value: unknown): SeenCard {
  const fields = object(value);
  const standing = text(fields, 'standing');
  if (!STANDINGS.includes(standing)) throw malformed('standing');
  return {
    number: number(fields),
    token: text(fields, 'token'),
    label: text(fields, 'label'),
    reader: text(fields, 'reader'),
    standing: standing as Standing,
    why: textOrNull(fields, 'why'),
    hash: textOrNull(fields, 'hash'),
    identity: textOrNull(fields, 'identity'),
    holder: textOrNull(fields, 'holder'),
    issuer: textOrNull(fields, 'issuer'),
    prompt: flag(fields, 'prompt'),
    claimed: flag(fields, 'claimed'),
  };
}

function readRemoval(value: unknown): WireRemoval {
  const fields = object(value);
  const command = list(fields, 'command');
  if (!command.every((word) => typeof word === 'string')) throw malformed('command');
  return {
    number: number(fields),
    session: textOrNull(fields, 'session'),
    label: text(fields, 'label'),
    action: text(fields, 'action'),
    done: flag(fields, 'done'),
    command,
    claimed: flag(fields, 'claimed'),
  };
}

/** @throws AgentError `malformed` */
export function readState(parameters: Fields): SessionState {
  return {
    user: text(parameters, 'user'),
    loggingIn: flag(parameters, 'loggingIn'),
    cards: list(parameters, 'cards').map(readCard),
    removals: list(parameters, 'removals').map(readRemoval),
  };
}
