// libpam by koffi: one transaction that authenticates a user with a password. It decides nothing about who may
// ask; it runs in a process of its own (check-password.ts), because a PAM module may do anything to its process.
// Specifications: pam_start(3), pam_conv(3), pam_authenticate(3), pam_acct_mgmt(3) of Linux-PAM 1.5.

import koffi from 'koffi';
import { AgentError } from '../base/errors.ts';

// security/_pam_types.h
export const PAM_SUCCESS = 0;
export const PAM_ABORT = 26;
const PAM_BUF_ERR = 5;
const PAM_CONV_ERR = 19;
const PAM_PROMPT_ECHO_OFF = 1;
const PAM_ERROR_MSG = 3;
const PAM_TEXT_INFO = 4;
const PAM_MAX_NUM_MSG = 32;
const PAM_DISALLOW_NULL_AUTHTOK = 0x0001;
const PAM_SILENT = 0x8000;

/** What pam_authenticate and pam_acct_mgmt said. */
export interface PamOutcome {
  /** PAM return code of pam_authenticate. */
  readonly authenticate: number;
  /** PAM return code of pam_acct_mgmt; null when authenticate failed. */
  readonly account: number | null;
  /** Whether a module asked for the password at all: a stack that does not has not checked it. */
  readonly asked: boolean;
}

type Pointer = bigint | null;
type Async<R> = (...args: [...unknown[], (error: unknown, result: R) => void]) => void;

// A module's stack: name services and password hashes want more than koffi's 128 KiB.
koffi.config({ async_stack_size: 4 * 1024 * 1024, sync_stack_size: 4 * 1024 * 1024 });

const pamMessage = koffi.struct('pam_message', { msg_style: 'int', msg: 'void *' });
const pamResponse = koffi.struct('pam_response', { resp: 'void *', resp_retcode: 'int' });
const converse = koffi.proto('int pam_converse(int count, void **messages, void **responses, void *data)');
koffi.struct('pam_conv', { conv: koffi.pointer(converse), appdata_ptr: 'void *' });
const RESPONSE_BYTES = koffi.sizeof(pamResponse);

interface Libc {
  calloc(count: number, size: number): Pointer;
  free(block: Pointer): void;
}

function loadLibc(): Libc {
  const libc = koffi.load('libc.so.6');
  return {
    calloc: libc.func('void *calloc(size_t count, size_t size)'),
    free: libc.func('void free(void *block)'),
  };
}

interface Libpam {
  start: (service: string, user: string, conv: object, confdir: string | null, handle: Pointer[]) => number;
  authenticate: Async<number>;
  account: Async<number>;
  end: (handle: Pointer, status: number) => number;
}

/** @throws AgentError `internal` when libpam is not there or too old */
function loadLibpam(): Libpam {
  try {
    const libpam = koffi.load('libpam.so.0');
    const start = libpam.func('int pam_start(str service, str user, pam_conv *conv, _Out_ void **handle)');
    const startConfdir = libpam.func(
      'int pam_start_confdir(str service, str user, pam_conv *conv, str confdir, _Out_ void **handle)',
    );
    return {
      start: (service, user, conv, confdir, handle) =>
        (confdir === null
          ? start(service, user, conv, handle)
          : startConfdir(service, user, conv, confdir, handle)) as number,
      authenticate: libpam.func('int pam_authenticate(void *handle, int flags)').async as Async<number>,
      account: libpam.func('int pam_acct_mgmt(void *handle, int flags)').async as Async<number>,
      end: libpam.func('int pam_end(void *handle, int status)'),
    };
  } catch (cause) {
    throw new AgentError('internal', { detail: 'libpam cannot be loaded', cause });
  }
}

/**
 * Answers the modules of one transaction: the password once, to the first question that hides what is typed.
 * Anything further fails the conversation: a second secret is not ours to guess, and the same answer to another
 * question might be wrong there (a one-time code, a card's PIN).
 */
class Conversation {
  asked = false;
  readonly #password: Buffer;
  readonly #libc: Libc;

  constructor(password: Buffer, libc: Libc) {
    this.#password = password;
    this.#libc = libc;
  }

  /** pam_conv(3). libpam frees the responses, so they are libc's. */
  readonly answer = (count: number, messages: Pointer, responses: Pointer): number => {
    try {
      return this.#reply(count, messages, responses);
    } catch {
      // An exception would become 0 in C, and 0 is PAM_SUCCESS.
      return PAM_CONV_ERR;
    }
  };

  #reply(count: number, messages: Pointer, responses: Pointer): number {
    if (count <= 0 || count > PAM_MAX_NUM_MSG || messages === null || responses === null) return PAM_CONV_ERR;
    const block = this.#libc.calloc(count, RESPONSE_BYTES);
    if (block === null) return PAM_BUF_ERR;
    const given: Pointer[] = [];
    let status = PAM_SUCCESS;
    const pointers = koffi.decode(messages, koffi.array('void *', count)) as Pointer[];
    pointers.forEach((message, index) => {
      if (status !== PAM_SUCCESS) return;
      const { msg_style: style } = koffi.decode(message, pamMessage) as { msg_style: number };
      if (style === PAM_TEXT_INFO || style === PAM_ERROR_MSG) return;
      const answer = style === PAM_PROMPT_ECHO_OFF ? this.#copyPassword() : null;
      if (answer === null) {
        status = PAM_CONV_ERR;
        return;
      }
      given.push(answer);
      koffi.encode(block, index * RESPONSE_BYTES, pamResponse, { resp: answer, resp_retcode: 0 });
    });
    if (status === PAM_SUCCESS) {
      koffi.encode(responses, 'void *', block);
      return PAM_SUCCESS;
    }
    for (const answer of given) {
      Buffer.from(koffi.view(answer, this.#password.length)).fill(0);
      this.#libc.free(answer);
    }
    this.#libc.free(block);
    return status;
  }

  #copyPassword(): Pointer {
    if (this.asked) return null;
    this.asked = true;
    const copy = this.#libc.calloc(this.#password.length + 1, 1);
    if (copy === null) return null;
    Buffer.from(koffi.view(copy, this.#password.length)).set(this.#password);
    return copy;
  }
}

async function call(start: Async<number>, handle: Pointer): Promise<number> {
  return await new Promise((resolve, reject) => {
    start(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK, (error, result) => {
      if (error === null) resolve(result);
      else reject(new AgentError('internal', { detail: 'libpam cannot be called', cause: error }));
    });
  });
}

/**
 * Runs pam_authenticate and, if that is good, pam_acct_mgmt. The event loop goes on meanwhile.
 * @param password without NUL; the caller wipes it
 * @param confdir folder with the service file (pam_start_confdir(3)); null: the machine's own
 * @throws AgentError `internal` when PAM cannot be used at all
 */
export async function authenticate(
  service: string,
  user: string,
  password: Buffer,
  confdir: string | null,
): Promise<PamOutcome> {
  const libpam = loadLibpam();
  const conversation = new Conversation(password, loadLibc());
  const callback = koffi.register(conversation.answer, koffi.pointer(converse));
  const handles: Pointer[] = [null];
  let status = PAM_ABORT;
  try {
    const started = libpam.start(service, user, { conv: callback, appdata_ptr: null }, confdir, handles);
    const handle = handles[0] ?? null;
    if (started !== PAM_SUCCESS || handle === null) {
      throw new AgentError('internal', { detail: `pam_start said ${started}` });
    }
    try {
      const authenticated = (status = await call(libpam.authenticate, handle));
      if (authenticated !== PAM_SUCCESS) {
        return { authenticate: authenticated, account: null, asked: conversation.asked };
      }
      const account = (status = await call(libpam.account, handle));
      return { authenticate: authenticated, account, asked: conversation.asked };
    } finally {
      libpam.end(handle, status);
    }
  } finally {
    koffi.unregister(callback);
  }
}
