// A driver's process: started when it is needed, asked one thing at a time, ended when it breaks a rule. What it answers
// is checked elsewhere (answers.ts). After a failure it is started again, later each time.
// Specification: DRIVERS.md, "The process" and "Messages".
// Why: DECISIONS.md D53.

import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../base/clock.ts';
import { AgentError, asAgentError, printable, type AgentErrorCode } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { failureOf, helloAnswer, parseAnswer, resultMessage } from './answers.ts';
import { confined, DRIVER_ENVIRONMENT, type Confinement } from './confine.ts';
import {
  encodeJson,
  frameHeader,
  HEADER_BYTES,
  JsonFrameReader,
  SECRET_FRAME,
  type JsonObject,
} from './frames.ts';

/** From the start of a program to its answer to `hello`: a Node program takes a tenth of a second. */
const START_MS = 10_000;
/** What a driver may write in one call, all frames together. */
const MAX_CALL_BYTES = 4 * 1024 * 1024;
const FIRST_BACK_OFF_MS = 250;
const LAST_BACK_OFF_MS = 30_000;
/** After the end of its input a driver has so long to end itself. */
const END_MS = 2000;
/** After its end a driver's standard error is waited for so long. */
const LAST_WORDS_MS = 200;
/** Of its last line, so many characters go into the list of drivers. */
const MAX_SAID = 200;
/** Of what a driver writes to its standard error, so many lines of one life go to the log. */
const MAX_LOG_LINES = 20;

export interface DriverProgram extends Confinement {
  readonly id: string;
  /** For the log: the id, and what distinguishes several programs of one driver. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface CallOptions {
  readonly deadlineMs: number;
  /** What it means where the driver does not answer within it; `driver-fault` if absent. */
  readonly late?: AgentErrorCode;
  /** Called when its turn has come. @throws AgentError where it is not to be asked any more */
  readonly stillMeant?: () => void;
  /** Follows the request in a frame of its own, from locked memory; wiped on each path. */
  readonly secret?: Pin;
  /** A second one: the new value of what `secret` proves. */
  readonly newSecret?: Pin;
  /** Answers what the driver asks for in the middle of the call; its end counts against the deadline. */
  readonly onAsk?: (message: JsonObject) => Promise<JsonObject>;
}

interface OpenCall {
  readonly id: number;
  readonly options: CallOptions;
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: AgentError) => void;
  readonly timer: NodeJS.Timeout;
  bytes: number;
  asking: boolean;
}

export class DriverProcess {
  readonly program: DriverProgram;
  readonly #log: (line: string) => void;
  readonly #onFailure: (error: AgentError) => void;
  #child: ChildProcess | null = null;
  #frames = new JsonFrameReader();
  #call: OpenCall | null = null;
  #lastId = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #notBeforeMs = 0;
  #lastFailure: AgentError | null = null;
  #overcome: string | null = null;

  /** @param onFailure told when the process has broken a rule or ended by itself; the next call starts it again */
  constructor(
    program: DriverProgram,
    log: (line: string) => void,
    onFailure: (error: AgentError) => void = () => undefined,
  ) {
    this.program = program;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Why it failed the last time; null when it has answered since. */
  get lastFailure(): AgentError | null {
    return this.#lastFailure;
  }

  /** For people: why it does not work now, or why it did not before it was started again; empty: it always has. */
  get problems(): string[] {
    const { detail = this.#overcome } = this.#lastFailure ?? {};
    return detail === null ? [] : [detail];
  }

  /**
   * Asks the driver; calls wait for each other. Starts the process where it does not run.
   * @param parse checks the `result` object; what it refuses (`driver-fault`) ends the process
   * @throws AgentError `driver-fault` (did not start, crashed, hung, broke the protocol, or waits to be started again),
   * or what the driver itself told
   */
  call<T>(
    method: string,
    params: JsonObject,
    options: CallOptions,
    parse: (result: JsonObject) => T,
  ): Promise<T> {
    const run = async (): Promise<T> => {
      try {
        options.stillMeant?.();
        if (this.#child === null) await this.#start();
        const answer = await this.#ask(method, params, options);
        const result = this.#accept(answer, parse);
        // What it wrote after its answer has ended it: that is to be known.
        if (this.running) {
          this.#failures = 0;
          if (this.#lastFailure !== null)
            this.#overcome = `${this.#lastFailure.detail} (${utcMinute()}; it has answered since)`;
          this.#lastFailure = null;
        }
        return result;
      } finally {
        options.secret?.wipe();
        options.newSecret?.wipe();
      }
    };
    const result = this.#queue.then(run, run);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #accept<T>(answer: JsonObject, parse: (result: JsonObject) => T): T {
    try {
      return parse(answer);
    } catch (error) {
      this.#fail(`gave a wrong answer: ${asAgentError(error).detail}`);
      throw this.#lastFailure ?? error;
    }
  }

  /** Ends the process in peace: end of input, then after two seconds by force. Safe to call when it does not run. */
  end(): Promise<void> {
    const ending = this.#queue.then(async () => {
      const child = this.#child;
      if (child === null) return;
      this.#child = null;
      const gone = new Promise<void>((resolve) =>
        child.once('exit', () => {
          resolve();
        }),
      );
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      child.stdin?.end();
      await gone;
      clearTimeout(timer);
    });
    this.#queue = ending;
    return ending;
  }

  /** Ends it by force, now. A call that is open fails. */
  kill(): void {
    this.#fail('scauthd is ending', { onPurpose: true });
  }

  async #start(): Promise<void> {
    const waitMs = this.#notBeforeMs - performance.now();
    // After a single failure nobody is turned away for it.
    if (waitMs > 0 && waitMs <= FIRST_BACK_OFF_MS) await delay(waitMs);
    else if (waitMs > 0) {
      const why = this.#lastFailure === null ? '' : `: ${this.#lastFailure.detail}`;
      throw new AgentError(this.#lastFailure?.code ?? 'driver-fault', {
        detail: `is started again in ${Math.ceil(waitMs / 1000)} s${why}`,
      });
    }
    const { argv, environment, name } = this.program;
    const [command, ...args] = confined(argv, this.program);
    const child = spawn(command, args, {
      cwd: '/',
      env: { ...DRIVER_ENVIRONMENT, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#frames = new JsonFrameReader();
    const failed = (why: string): void => {
      if (this.#child === child) this.#fail(why);
    };
    child.on('error', (error) => {
      failed(`cannot be run: ${error.message}`);
    });
    let said = '';
    child.on('exit', (code, signal) => {
      const how = signal === null ? `ended with status ${code ?? 0}` : `was ended by ${signal}`;
      const tell = (): void => {
        failed(said === '' ? how : `${how}: ${said}`);
      };
      // Its last words may still be on the way.
      child.stderr.once('close', tell);
      setTimeout(tell, LAST_WORDS_MS).unref();
    });
    // What is written to a program that has ended: `exit` tells it better.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (bytes: Buffer) => {
      if (this.#child === child) this.#read(bytes);
    });
    logLines(child, (line) => {
      said = line.slice(0, MAX_SAID);
      this.#log(`driver ${name} says: ${line}`);
    });
    try {
      const answer = await this.#ask('hello', { versions: [1] }, { deadlineMs: START_MS });
      parseAnswer(helloAnswer, answer, 'hello');
    } catch (error) {
      failed(asAgentError(error).detail);
      throw this.#lastFailure ?? error;
    }
  }

  #ask(method: string, params: JsonObject, options: CallOptions): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#fail(`did not answer ${method} within ${options.deadlineMs} ms`, { code: options.late });
      }, options.deadlineMs);
      this.#call = { id, options, resolve, reject, timer, bytes: 0, asking: false };
      const { secret, newSecret } = options;
      const announced = { ...(secret && { secret: true }), ...(newSecret && { newSecret: true }) };
      this.#child?.stdin?.write(encodeJson({ id, method, params, ...announced }));
      for (const one of [secret, newSecret]) if (one !== undefined) this.#writeSecret(one);
    });
  }

  /** The frame lies in locked memory until the kernel has it, or the process is gone. */
  #writeSecret(pin: Pin): void {
    const frame = new SecretBuffer(HEADER_BYTES + pin.length);
    frame.bytes.set(frameHeader(SECRET_FRAME, pin.length));
    pin.peek((bytes) => {
      frame.bytes.set(bytes, HEADER_BYTES);
    });
    pin.wipe();
    const stdin = this.#child?.stdin;
    if (stdin === null || stdin === undefined) frame.release();
    else
      stdin.write(frame.bytes, () => {
        frame.release();
      });
  }

  #read(bytes: Buffer): void {
    const call = this.#call;
    if (call === null) {
      this.#fail('wrote something that it was not asked for');
      return;
    }
    call.bytes += bytes.length;
    if (call.bytes > MAX_CALL_BYTES) {
      this.#fail(`wrote more than ${MAX_CALL_BYTES} bytes`);
      return;
    }
    try {
      for (const message of this.#frames.push(bytes)) this.#take(message);
      if (this.#isIdle() && this.#frames.pending > 0) this.#fail('wrote more than its answer');
    } catch (error) {
      this.#fail(asAgentError(error).detail);
    }
  }

  /** @throws AgentError where the message is not one that may come now */
  #take(message: JsonObject): void {
    const call = this.#call;
    if (call === null || call.asking) throw new AgentError('driver-fault', { detail: 'wrote out of turn' });
    if (message['id'] !== call.id)
      throw new AgentError('driver-fault', { detail: 'answered with a wrong id' });
    if ('error' in message) {
      const error = failureOf(message);
      this.#settle(call);
      call.reject(error);
    } else if ('result' in message) {
      const { result } = parseAnswer(resultMessage, message, 'an answer');
      this.#settle(call);
      call.resolve(result);
    } else if (call.options.onAsk !== undefined) void this.#answer(call, call.options.onAsk, message);
    else throw new AgentError('driver-fault', { detail: 'answered neither result nor error' });
  }

  async #answer(
    call: OpenCall,
    onAsk: (message: JsonObject) => Promise<JsonObject>,
    message: JsonObject,
  ): Promise<void> {
    call.asking = true;
    try {
      const answer = await onAsk(message);
      call.asking = false;
      if (this.#call === call) this.#child?.stdin?.write(encodeJson({ id: call.id, ...answer }));
    } catch (error) {
      call.asking = false;
      if (this.#call === call) this.#fail(asAgentError(error).detail);
    }
  }

  #settle(call: OpenCall): void {
    clearTimeout(call.timer);
    this.#call = null;
  }

  #isIdle(): boolean {
    return this.#call === null;
  }

  #fail(
    why: string,
    {
      code = 'driver-fault',
      onPurpose = false,
    }: { code?: AgentErrorCode | undefined; onPurpose?: boolean } = {},
  ): void {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    child.kill('SIGKILL');
    const error = new AgentError(code, { detail: `driver ${this.program.name} ${printable(why)}` });
    const call = this.#call;
    this.#call = null;
    if (call !== null) clearTimeout(call.timer);
    if (!onPurpose) {
      const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** this.#failures, LAST_BACK_OFF_MS);
      this.#failures += 1;
      this.#notBeforeMs = performance.now() + backOffMs;
      // One that fails in the same way each minute is told of once.
      if (this.#lastFailure?.detail !== error.detail) this.#log(error.detail);
      this.#lastFailure = error;
      this.#onFailure(error);
    }
    call?.reject(error);
  }
}

/** `2026-11-24 23:05 UTC` */
function utcMinute(): string {
  return `${new Date(systemClock.nowMs()).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Hands on the first lines that a program writes to its standard error; the others are read and dropped. */
function logLines(child: ChildProcess, log: (line: string) => void): void {
  let left = MAX_LOG_LINES;
  let begun = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    if (left === 0) return;
    const lines = `${begun}${piece}`.split('\n');
    begun = (lines.pop() ?? '').slice(0, 1000);
    for (const line of lines.slice(0, left)) if (line !== '') log(printable(line));
    left -= Math.min(left, lines.length);
  });
}
