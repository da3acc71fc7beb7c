// Parameters of a varlink call, each looked at once; the refusals that varlink itself has names for.

import { parsePkhh, type Pkhh } from '../../model/key.ts';
import { parseTokenId, type TokenId } from '../../model/token.ts';

/** Parameters as they came; each is looked up by name, and unknown names are refused. */
type Parameters = Readonly<Record<string, unknown>>;

/** org.varlink.service.InvalidParameter, with the parameter's name. */
export class InvalidParameter extends Error {
  readonly parameter: string;

  constructor(parameter: string) {
    super(`invalid parameter: ${parameter}`);
    this.name = 'InvalidParameter';
    this.parameter = parameter;
  }
}

/** org.varlink.service.PermissionDenied. */
export class PermissionDenied extends Error {}

export function onlyParameters(parameters: Parameters, known: readonly string[]): void {
  const unknown = Object.keys(parameters).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InvalidParameter(unknown);
}

export function optionalText(parameters: Parameters, name: string): string | null {
  const value = parameters[name] ?? null;
  if (value !== null && typeof value !== 'string') throw new InvalidParameter(name);
  return value;
}

export function requiredNumber(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidParameter(name);
  return value;
}

/** Where a page begins. */
export function pageStart(parameters: Parameters): number {
  return (parameters['after'] ?? null) === null ? 0 : requiredNumber(parameters, 'after');
}

export function requiredText(parameters: Parameters, name: string): string {
  const value = optionalText(parameters, name);
  if (value === null) throw new InvalidParameter(name);
  return value;
}

export function requiredFlag({ enabled }: Parameters): boolean {
  if (typeof enabled !== 'boolean') throw new InvalidParameter('enabled');
  return enabled;
}

/** @throws InvalidParameter */
export function optionalFlag(parameters: Parameters, name: string): boolean {
  const value = parameters[name] ?? false;
  if (typeof value !== 'boolean') throw new InvalidParameter(name);
  return value;
}

export function requiredPkhh(parameters: Parameters): Pkhh {
  return parsePkhh(requiredText(parameters, 'hash'));
}

export function optionalTokenId(parameters: Parameters): TokenId | null {
  const text = optionalText(parameters, 'token');
  return text === null ? null : parseTokenId(text);
}
