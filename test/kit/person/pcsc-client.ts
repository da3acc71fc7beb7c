// Another program that uses the card of a sandbox: what it may do after, before and while scauthd is at it.
// The other side of pcsc-client-program.ts. Never verifies a PIN unless told so.
import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const SELECT_PIV = '00a4040009a00000030800001000';
/** GENERAL AUTHENTICATE, P-256 in 9A: 7C { 82 empty, 81 a digest }. */
const SIGN_9A = `008711 9a26 7c24 8200 8120 ${'11'.repeat(32)} 00`.replaceAll(' ', '');
const COUNTER = '00200080';

export class PcscClient {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Starts it, connected to the card. @throws Error where another program has the card */
  static async connect(sandbox: Sandbox, how: 'connect' | 'exclusive' = 'connect'): Promise<PcscClient> {
    const program = [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning'];
    const child = sandbox.namespace.spawn([...program, `${APP}/test/kit/person/pcsc-client-program.ts`], {
      env: sandbox.environment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('no standard output');
    const client = new PcscClient(child, createInterface({ input: child.stdout }));
    await client.do(how);
    return client;
  }

  /** One line to the program. @returns its answer @throws Error when it failed or ended */
  async do(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const answer = await this.#lines.next();
    if (answer.done === true) throw new Error('the PC/SC client ended');
    if (answer.value.startsWith('failed')) throw new Error(`${line}: ${answer.value}`);
    return answer.value;
  }

  select(): Promise<string> {
    return this.do(SELECT_PIV);
  }

  /** The status word of a signature with the login key. */
  async signStatus(): Promise<string> {
    return (await this.do(SIGN_9A)).slice(-4).toUpperCase();
  }

  /** Asks for the counter: 9000 means verified. */
  async counterStatus(): Promise<string> {
    return (await this.do(COUNTER)).slice(-4).toUpperCase();
  }

  async verify(pin: string): Promise<string> {
    const block = Buffer.alloc(8, 0xff);
    block.write(pin, 'latin1');
    return (await this.do(`0020008008${block.toString('hex')}`)).slice(-4).toUpperCase();
  }

  /** Leaves the card as it is and ends. */
  async close(): Promise<void> {
    await this.do('disconnect');
    this.#child.stdin?.end();
  }
}

/** What a program that never verified gets for a signature with the login key, in a transaction of its own. */
export async function strangerSignStatus(sandbox: Sandbox): Promise<string> {
  const client = await PcscClient.connect(sandbox);
  await client.do('begin');
  await client.select();
  const status = await client.signStatus();
  await client.do('end');
  await client.close();
  return status;
}
