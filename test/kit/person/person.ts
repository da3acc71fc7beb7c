// What a person does in a sandbox: pairs the card, types at prompts, and looks at what came of it.
// It decides nothing and hides no failure: every wait ends with the screen in the error.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { readOcsf } from '../audit/ocsf-rules.ts';
import type { LogEntry } from '../card/log.ts';
import type { Pty, PtyExit } from '../sandbox/pty.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';

export const PIN_PROMPT = /(Enter PIN for '[^\n]*'|PIN of '[^\n]*'[^\n]*): $/;
/** Not the hint of a PIN prompt, "(Enter: password): ". */
export const PASSWORD_PROMPT = /(?<!Enter: )[Pp]assword[^\n]*: $/;
export const CONSENT_PROMPT = /Type yes to use it, or press Enter for your password: $/;
/** PIN of nobody's card. */
export const WRONG_PIN = '000000';
/** What `id -u` of root prints, on a line of its own. */
export const ROOT = /^0\r?$/m;

/** Far more than any of it takes. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;
const INTERRUPT_MS = 200;

/** What the screen shows, and what is typed then (Enter is added); without text it is only waited for. */
export type Move = readonly [prompt: RegExp | string, text?: string];

/** Types at each prompt in turn, then waits for the end. @throws Error with the screen when it does not come */
export async function answer(pty: Pty, moves: readonly Move[]): Promise<PtyExit> {
  for (const [prompt, text] of moves) {
    await pty.expect(prompt);
    if (text !== undefined) pty.send(`${text}\n`);
  }
  return untilEnd(pty);
}

/** The end of a program on a terminal. @throws Error with the screen when it does not come */
export async function untilEnd(pty: Pty): Promise<PtyExit> {
  const stop = new AbortController();
  const late = pause(PATIENCE_MS, null, { signal: stop.signal }).catch(() => null);
  const exit = await Promise.race([pty.exit, late]);
  stop.abort();
  if (exit === null) throw new Error(`The program does not end. The screen:\n${pty.screen}`);
  return exit;
}

/**
 * Ctrl-C at a prompt, again until the program ends: sudo loses one that comes after it has written its prompt and
 * before it reads (tgetpass notes the signal, and then reads).
 */
export async function interrupt(pty: Pty): Promise<PtyExit> {
  const again = setInterval(() => {
    pty.send('\x03');
  }, INTERRUPT_MS);
  pty.send('\x03');
  try {
    return await untilEnd(pty);
  } finally {
    clearInterval(again);
  }
}

/** `sudo` on a terminal, as the sandbox's user. */
export function startSudo(sandbox: Sandbox, command: readonly string[] = ['id', '-u']): Pty {
  return sandbox.pty(['sudo', ...command], { user: sandbox.user });
}

export function sudo(sandbox: Sandbox, ...moves: readonly Move[]): Promise<PtyExit> {
  return answer(startSudo(sandbox), moves);
}

const EITHER = new RegExp(`(?:${PIN_PROMPT.source})|(?:${PASSWORD_PROMPT.source})`);

/** sudo by card and PIN, or by the password where the card is nobody's. @throws Error with the screen where neither leads in */
export async function sudoByEither(sandbox: Sandbox): Promise<'card' | 'password'> {
  const pty = startSudo(sandbox);
  const [prompt] = await pty.expect(EITHER);
  const by = PIN_PROMPT.test(prompt) ? 'card' : 'password';
  pty.send(`${by === 'card' ? sandbox.pin : sandbox.password}\n`);
  const { code, screen } = await untilEnd(pty);
  if (code !== 0) throw new Error(screen);
  return by;
}

/** sudo where the PIN does not lead in and the password does. @returns the screen */
export async function passwordAfterPin(sandbox: Sandbox): Promise<string> {
  const { code, screen } = await sudo(
    sandbox,
    [PIN_PROMPT, sandbox.pin],
    [PASSWORD_PROMPT, sandbox.password],
  );
  if (code !== 0 || !ROOT.test(screen)) throw new Error(`not let in by the password:\n${screen}`);
  return screen;
}

/** Card and PIN open sudo, without a second question. @throws Error with the screen when they do not */
export async function expectCardLogin(sandbox: Sandbox): Promise<void> {
  const { code, screen } = await sudo(sandbox, [PIN_PROMPT, sandbox.pin]);
  if (code !== 0 || !ROOT.test(screen)) throw new Error(`No card login:\n${screen}\n${sandbox.logs()}`);
}

/** The real flow: sc_auth on a terminal, account password, PIN. @throws Error with the screen when it refuses */
export async function pairCard(sandbox: Sandbox): Promise<void> {
  const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
  const { code, screen } = await answer(pty, [
    [/Enter = \w+[^\n]*: $/, '1'],
    [PASSWORD_PROMPT, sandbox.password],
    [PIN_PROMPT, sandbox.pin],
  ]);
  if (code !== 0) throw new Error(`The card was not paired:\n${screen}\n${sandbox.logs()}`);
}

/** The hash of the key on the card that may log in. */
export async function cardHash(sandbox: Sandbox): Promise<string> {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', { hash: string }[]>;
  return [...paired, ...unpaired][0]?.hash ?? '';
}

/** pamtester as a user; standard input gets one line for each prompt. */
export function pamtester(
  sandbox: Sandbox,
  caller: string,
  [service, account]: readonly [service: string, account: string],
  ...lines: readonly string[]
): Promise<ExecResult> {
  const input = lines.map((line) => `${line}\n`).join('');
  return sandbox.exec(['pamtester', service, account, 'authenticate'], { user: caller, input });
}

/** A second account without any rights; its password is its name. @returns uid */
export async function addUser(sandbox: Sandbox, name: string): Promise<number> {
  const script = `useradd --no-create-home --home-dir / "$1" && echo "$1:$1" | chpasswd && id -u "$1"`;
  const { code, stdout, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', name]);
  if (code !== 0) throw new Error(`useradd: ${stderr}`);
  return Number(stdout);
}

async function until(what: () => boolean, otherwise: () => string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(otherwise());
    await pause(POLL_MS);
  }
}

/** Waits until the agent's log, from the `from`th character on, has `text`. */
export async function untilAgentSays(sandbox: Sandbox, text: string | RegExp, from = 0): Promise<string> {
  const said = (): string => sandbox.agentLog().slice(from);
  const matches = (): boolean => (typeof text === 'string' ? said().includes(text) : text.test(said()));
  await until(matches, () => `scauthd did not say ${String(text)}:\n${sandbox.agentLog()}`);
  return said();
}

/** Takes the card out, and waits until scauthd knows. */
export async function pullCard(sandbox: Sandbox): Promise<void> {
  const from = sandbox.agentLog().length;
  await sandbox.card.eject();
  await untilAgentSays(sandbox, 'token out', from);
}

/** Puts the card in, and waits until scauthd has read it. */
export async function insertCard(sandbox: Sandbox): Promise<void> {
  const from = sandbox.agentLog().length;
  await sandbox.card.insert();
  await untilAgentSays(sandbox, 'token in', from);
}

/** Takes the card out and puts it in again: what was changed on it is read. */
export async function reinsertCard(sandbox: Sandbox): Promise<void> {
  await pullCard(sandbox);
  await insertCard(sandbox);
}

/** Runs `act`, and waits until the card has been de-verified after it. */
export async function untilReleased<T>(sandbox: Sandbox, act: () => Promise<T>): Promise<T> {
  const released = sandbox.card.waitForAnswer({ ins: '20', p1: 'FF' });
  const result = await act();
  await released;
  return result;
}

/** A fresh state for the next test: right PIN, all tries, no fault, empty log. */
export async function freshCard(sandbox: Sandbox): Promise<void> {
  await sandbox.card.clearFaults();
  await sandbox.card.release();
  await sandbox.card.setPin(sandbox.pin);
  await sandbox.card.clearLog();
}

export interface AuditLine {
  readonly status?: string;
  readonly status_detail?: string;
  readonly user?: { readonly name: string };
  readonly service?: { readonly name: string };
  readonly session?: { readonly uid: string };
  readonly metadata: { readonly event_code: string };
  readonly unmapped?: Readonly<Record<string, unknown>>;
}

/** @throws Error when one is no valid OCSF */
export function auditLines(sandbox: Sandbox): AuditLine[] {
  return sandbox
    .auditLog()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readOcsf(line) as unknown as AuditLine);
}

/** Waits until the audit log tells `detail` of the last login. */
export async function untilAudited(sandbox: Sandbox, detail: string): Promise<void> {
  const last = (): AuditLine | undefined =>
    auditLines(sandbox).findLast((line) => line.metadata.event_code === 'login');
  await until(
    () => last()?.status_detail === detail,
    () => `The audit log does not say ${detail}:\n${sandbox.auditLog()}`,
  );
}

/** Whether a process of this id (as the machine counts) still runs the same program. */
export function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && /^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** `SELECT`, `VERIFY`, …: a log entry for the eye. */
export function nameOf({ ins, p1, body }: LogEntry): string {
  switch (ins) {
    case 0xa4:
      return 'SELECT';
    case 0x20:
      return p1 === 0xff ? 'DE-VERIFY' : body.length > 2 ? 'VERIFY' : 'COUNTER';
    case 0x87:
      return 'GENERAL AUTHENTICATE';
    case 0xc0:
      return 'GET RESPONSE';
    default:
      return ins.toString(16);
  }
}

export async function apduNames(sandbox: Sandbox): Promise<string[]> {
  return (await sandbox.card.log()).map(nameOf);
}

/** Waits for the end of a process. @throws Error where it does not come */
export async function untilGone(pid: number): Promise<void> {
  await until(
    () => !isAlive(pid),
    () => `process ${pid} still runs`,
  );
}
