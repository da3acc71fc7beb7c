// Another program that uses the card of a sandbox: what it may do after, before and while scauthd is at it.
// The other side of pcsc-client-program.ts. Never verifies a PIN unless told so.
import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const SELECT_PIV = '00a4040009a00000030800001000';
/** GENERAL AUTHENTICATE with 9A: 7C { 82 empty, 81 a digest, or for RSA a whole block }; the latter in two pieces. */
const SIGN_9A = {
  p256: [`008711 9a26 7c24 8200 8120 ${'11'.repeat(32)} 00`],
  rsa2048: [`108707 9aff 7c820106 8200 81820100 ${'00'.repeat(245)}`, `008707 9a0b ${'11'.repeat(11)} 00`],
};
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
  async signStatus(key: keyof typeof SIGN_9A = 'p256'): Promise<string> {
    let answer = '';
    for (const command of SIGN_9A[key]) answer = await this.do(command.replaceAll(' ', ''));
    return answer.slice(-4).toUpperCase();
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
export async function strangerSignStatus(
  sandbox: Sandbox,
  key: keyof typeof SIGN_9A = 'p256',
): Promise<string> {
  const client = await PcscClient.connect(sandbox);
  await client.do('begin');
  await client.select();
  const status = await client.signStatus(key);
  await client.do('end');
  await client.close();
  return status;
}
