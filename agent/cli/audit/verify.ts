// sc_auth audit verify: reads the key, the state of the seal and the anchors, walks the log, says what it found.

import { readFileSync } from 'node:fs';
import type { Anchor } from '../../model/sealed-log/anchor.ts';
import { parseVerificationKey } from '../../model/sealed-log/sealed-line.ts';
import { decodeSealFile, keyPath, sealPath, type SealState } from '../../model/sealed-log/seal-state.ts';
import { faultText, file as say, recordsText, usage, verdict } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { ChainCheck, type Fault } from './verify/chain.ts';
import { isFault, readAnchors, signatureText, type AnchorSignature } from './verify/anchors.ts';
import { eachLine, type LogFile } from './log-files.ts';
import { logPath, readLog } from './place.ts';
import { contentOf } from './small-file.ts';
import { timeText } from '../../base/local-time.ts';

/** Faults and ranges that people are shown; --json has them all. */
const SHOWN = 20;

/** @throws CommandError `usage` for a file without a key */
export function readKeys(path: string, option: string | undefined, context: CommandContext): Buffer[] {
  const from = option ?? keyPath(path);
  const bytes = option === '-' ? readFileSync(context.stdinFd) : contentOf(from);
  if (bytes === null) {
    throw new CommandError('usage', say.noKey(from));
  }
  const keys = bytes
    .toString('latin1')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseVerificationKey);
  bytes.fill(0);
  const good = keys.filter((key) => key !== null);
  if (good.length === 0 || good.length < keys.length) {
    throw new CommandError('usage', say.notAKey(from));
  }
  return good;
}

export function readState(path: string): SealState | null {
  const bytes = contentOf(sealPath(path));
  return bytes === null ? null : decodeSealFile(bytes);
}

/** Walks a whole log. @throws CommandError of reading */
export async function checkLog(
  path: string,
  context: CommandContext,
  given: { readonly keys: readonly Buffer[]; readonly anchors?: readonly Anchor[]; readonly first?: number },
): Promise<{ readonly check: ChainCheck; readonly files: readonly LogFile[] }> {
  // The state before the log: while scauthd writes, the log is ahead of it, which is no fault.
  const check = new ChainCheck(given.keys, readState(path), given.anchors, given.first);
  const take = (line: Buffer, whole: boolean): void => {
    check.take(line, whole);
  };
  const files = await readLog(
    path,
    context,
    (block) => {
      eachLine(block, take);
    },
    (file) => {
      check.beginFile(file.path);
    },
  );
  check.end();
  return { check, files };
}

function placeText({ file, line }: Fault): string {
  return file === null ? '' : `${file}:${line ?? 0}: `;
}

function shown(title: string, lines: readonly string[]): string[] {
  const more = lines.length > SHOWN ? [`${title}  … ${lines.length - SHOWN} more: --json`] : [];
  return [...lines.slice(0, SHOWN).map((line) => `${title}  ${line}`), ...more];
}

function wordsOf(
  check: ChainCheck,
  files: readonly LogFile[],
  signatures: readonly AnchorSignature[],
  ownKey: boolean,
): string[] {
  const several = new Set(check.trusted.map(({ chain }) => chain)).size > 1;
  const trusted = check.trusted.map(
    ({ chain, from, to, fromMs, toMs }) =>
      `${recordsText(from, to)}${several ? ` of chain ${chain + 1}` : ''}, ${timeText(fromMs)} to ${timeText(toMs)}`,
  );
  const whole = check.faultCount === 0 && !signatures.some(isFault);
  return [
    ...shown(
      'Log     ',
      files.map(({ path }) => path),
    ),
    ...(trusted.length === 0 ? ['Trusted   nothing'] : shown('Trusted ', trusted)),
    ...shown(
      'Remark  ',
      check.remarks.map((one) => placeText(one) + faultText(one)),
    ),
    ...shown('Signed  ', signatures.filter((one) => !isFault(one)).map(signatureText)),
    ...shown('FAULT   ', [
      ...check.faults.map((one) => placeText(one) + faultText(one)),
      ...signatures.filter(isFault).map(signatureText),
    ]),
    whole ? verdict.whole(check.good) : verdict.broken(check.good),
    ...(ownKey ? [verdict.ownKey] : []),
  ];
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, {
    log: { type: 'string' },
    key: { type: 'string' },
    anchors: { type: 'string' },
    signer: { type: 'string' },
    first: { type: 'string' },
  });
  if (options.first !== undefined && !/^\d{1,15}$/.test(options.first)) {
    throw new CommandError('usage', usage.first);
  }
  const path = logPath(options.log, context);
  const { anchors, signatures } = await readAnchors(options.anchors, options.signer, context);
  const keys = readKeys(path, options.key, context);
  const { check, files } = await checkLog(path, context, {
    keys,
    anchors: anchors.filter(({ sequence }) => sequence >= Number(options.first ?? 0)),
    first: Number(options.first ?? 0),
  });
  for (const key of keys) key.fill(0);
  const { faults, faultCount, remarks, trusted, good } = check;
  const whole = faultCount === 0 && !signatures.some(isFault);
  context.output.result(
    {
      whole,
      records: check.records,
      good,
      trusted,
      faultCount,
      faults,
      remarks,
      signatures,
      files: files.map((one) => one.path),
    },
    wordsOf(check, files, signatures, options.key === undefined),
  );
  if (!whole) context.output.failed();
}
