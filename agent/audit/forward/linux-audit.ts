// Linux audit: a USER_AUTH record of ours for each login, with the key's hash, which PAM's own record has not. libaudit
// by koffi, in libuv's pool: it waits for the kernel's answer, up to half a second. audit_log_user_message(3).

import koffi from 'koffi';
import { describeError } from '../../base/errors.ts';
import type { Summary } from '../summary.ts';

/** <linux/audit.h> */
const AUDIT_USER_AUTH = 1100;
/** What waits for the kernel at most; more is dropped. */
const MAX_WAITING = 200;

/**
 * A value as audit.log has it: in quotes, or in hexadecimal where it has a quote, a blank or what is not ASCII
 * (audit_encode_value(3)). The whole message stands in single quotes.
 */
function encoded(name: string, value: string): string {
  const short = value.slice(0, 128).toWellFormed();
  return /^[!-~]*$/.test(short) && !/["']/.test(short)
    ? `${name}="${short}"`
    : `${name}=${Buffer.from(short).toString('hex').toUpperCase()}`;
}

/** The text of the record; the kernel and libaudit put what they know around it. */
export function auditText({ fields }: Summary): string {
  const { reason, key, card, rule, user = '(unknown)', service = '?' } = fields;
  const more: readonly (readonly [string, string | undefined])[] = [
    ['key_hash', key],
    ['card', card],
    ['reason', reason],
    ['rule', rule],
  ];
  return [
    'op=scauth:authentication',
    encoded('service', service),
    ...more.flatMap(([name, value]) => (value === undefined ? [] : [encoded(name, value)])),
    encoded('acct', user),
  ].join(' ');
}

type KoffiFunction = ReturnType<ReturnType<typeof koffi.load>['func']>;

interface Library {
  readonly fd: number;
  readonly log: KoffiFunction;
  readonly close: KoffiFunction;
}

export class LinuxAudit {
  readonly #log: (line: string) => void;
  readonly #library: Library | null;
  #waiting = 0;
  #told = false;

  /** @param log is told once what does not work */
  constructor(log: (line: string) => void) {
    this.#log = log;
    this.#library = this.#open();
  }

  #open(): Library | null {
    try {
      const libaudit = koffi.load('libaudit.so.1');
      const fd = Number(libaudit.func('int audit_open(void)')());
      if (fd < 0) throw new Error('the kernel has no audit');
      return {
        fd,
        log: libaudit.func(
          'int audit_log_user_message(int fd, int type, const char *message, const char *host, const char *address, const char *tty, int result)',
        ),
        close: libaudit.func('void audit_close(int fd)'),
      };
    } catch (error) {
      this.#tell(describeError(error));
      return null;
    }
  }

  #tell(what: string): void {
    if (!this.#told) this.#log(`nothing goes to Linux audit: ${what}`);
    this.#told = true;
  }

  send(summary: Summary): void {
    const library = this.#library;
    if (library === null || summary.kind !== 'login' || this.#waiting >= MAX_WAITING) return;
    const { tty, rhost, outcome } = summary.fields;
    const plain = (text: string | undefined): string | null =>
      text !== undefined && /^[\w./:-]{1,64}$/.test(text) ? text : null;
    this.#waiting += 1;
    const arguments_ = [plain(rhost), null, plain(tty), outcome === 'granted' ? 1 : 0];
    library.log.async(
      library.fd,
      AUDIT_USER_AUTH,
      auditText(summary),
      ...arguments_,
      (error: Error | null, result: number) => {
        this.#waiting -= 1;
        if (error !== null || result <= 0) this.#tell(error?.message ?? `refused (${result})`);
      },
    );
  }

  close(): void {
    // Calls that are under way have the descriptor; the process ends soon.
    if (this.#library !== null && this.#waiting === 0) this.#library.close(this.#library.fd);
  }
}
