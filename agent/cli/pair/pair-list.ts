// sc_auth pair --from: many pairings, one call after the other, so that every login has its turn between two of them. What is
// there already is no failure, and the run can be repeated after whatever ended it.

import type { Pkhh } from '../../model/key/key.ts';
import { row as say, toList, total } from '../../words/pair-list.ts';
import { callAgent } from '../agent/client.ts';
import { readListedCertificate } from '../card/certificate-file.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, exitCodeOf, type FailureCode } from '../exit-codes.ts';
import { Bar } from '../terminal/bar.ts';
import { styled, type Line } from '../terminal/style.ts';
import { readWanted, type UserSource, type Wanted } from './wanted.ts';

export interface ListWish {
  readonly from: string;
  readonly userFrom: UserSource | null;
  readonly shared: boolean;
  readonly dryRun: boolean;
}

type Result = 'paired' | 'already' | 'would-pair' | 'refused' | 'not-tried';

/** A row of the JSON document. */
interface Outcome {
  readonly line: number | null;
  readonly file: string | null;
  readonly user: string | null;
  readonly hash: Pkhh | null;
  readonly result: Result;
  readonly error: string | null;
  readonly message: string | null;
}

function outcomeOf({ line, file, user, pkhh }: Wanted, result: Result, error?: CommandError): Outcome {
  return {
    line,
    file,
    user,
    hash: pkhh,
    result,
    error: error?.code ?? null,
    message: error?.message ?? null,
  };
}

/** One call. @returns whether the key is known already @throws CommandError */
async function call(
  { user, pkhh, certificate }: Wanted,
  wish: Pick<ListWish, 'shared' | 'dryRun'>,
  context: CommandContext,
): Promise<boolean> {
  let key: { readonly hash: Pkhh | null } | { readonly certificate: string } = { hash: pkhh };
  if (certificate !== null) {
    const now = readListedCertificate(certificate);
    if (now.publicKey.pkhh !== pkhh) throw new CommandError('bad-certificate', toList.changed);
    key = { certificate: now.der.toString('base64') };
  }
  const { shared, dryRun } = wish;
  const { pairing } = await callAgent(context, 'AddPairing', { user: user ?? '', ...key, shared, dryRun });
  return pairing.keyKnown;
}

/** @throws CommandError where scauthd is not there */
async function pairOne(
  wanted: Wanted,
  wish: ListWish,
  context: CommandContext,
): Promise<{ readonly outcome: Outcome; readonly keyKnown: boolean }> {
  const keyKnown = true;
  const { problem, repeated, unfit } = wanted;
  if (problem !== null) return { outcome: outcomeOf(wanted, 'refused', problem), keyKnown };
  if (repeated) return { outcome: outcomeOf(wanted, 'already'), keyKnown };
  try {
    const known = await call(wanted, { ...wish, dryRun: wish.dryRun || unfit !== null }, context);
    if (unfit !== null) return { outcome: outcomeOf(wanted, 'refused', unfit), keyKnown };
    return { outcome: outcomeOf(wanted, wish.dryRun ? 'would-pair' : 'paired'), keyKnown: known };
  } catch (error) {
    if (!(error instanceof CommandError) || exitCodeOf(error.code) === EXIT.unreachable) throw error;
    if (error.code === 'already-paired') return { outcome: outcomeOf(wanted, 'already'), keyKnown };
    return { outcome: outcomeOf(wanted, 'refused', error), keyKnown };
  }
}

function lineOf({ line, file, user, hash, result, message }: Outcome): Line {
  const place = `${say.place(line, file, user)}: `;
  if (result === 'refused') return [place, styled('bad', say.refused(message ?? ''))];
  return [place, styled(result === 'already' ? 'quiet' : 'good', say.done(result, hash ?? ''))];
}

/** Whom the run ends with: trouble first, then "there was nothing to do". */
function exitOf(count: Readonly<Record<Result, number>>, stopped: CommandError | null): FailureCode | null {
  if (stopped !== null) return EXIT.unreachable;
  if (count.refused > 0) return EXIT.failure;
  return count.paired + count['would-pair'] === 0 ? EXIT.already : null;
}

/** @throws CommandError `usage`, `not-allowed`: the list as a whole; a row that fails is in the result */
export async function pairFromList(wish: ListWish, context: CommandContext): Promise<void> {
  const { output } = context;
  const rows = readWanted(wish.from, wish.userFrom, wish.shared, context);
  const bar = new Bar(context, rows.length);
  const count = { paired: 0, already: 0, 'would-pair': 0, refused: 0, 'not-tried': 0 };
  const outcomes: Outcome[] = [];
  let unknownKeys = 0;
  let stopped: CommandError | null = null;
  const take = (outcome: Outcome): void => {
    count[outcome.result] += 1;
    if (output.json) outcomes.push(outcome);
    else if (outcome.result !== 'not-tried')
      bar.above(() => {
        output.lines([lineOf(outcome)]);
      });
  };
  for (const [at, wanted] of rows.entries()) {
    try {
      if (stopped === null) {
        const { outcome, keyKnown } = await pairOne(wanted, wish, context);
        if (!keyKnown) unknownKeys += 1;
        take(outcome);
      } else take(outcomeOf(wanted, 'not-tried'));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      stopped = error;
      take(outcomeOf(wanted, 'not-tried', error));
    }
    await context.drained?.();
    bar.show(at + 1);
  }
  bar.clear();
  const { paired, already, refused } = count;
  const totals = { paired, wouldPair: count['would-pair'], already, refused, notTried: count['not-tried'] };
  output.result({ dryRun: wish.dryRun, ...totals, rows: outcomes }, [total.done(count)]);
  if (unknownKeys > 0) output.note(total.keysUnknown(unknownKeys));
  if (stopped !== null) output.note(total.stopped(count['not-tried'], stopped.message));
  if (wish.dryRun) output.note(total.dry);
  const exit = exitOf(count, stopped);
  if (exit !== null) output.failed(exit);
}
