// AgentError.detail and its cause are for the log: whatever fails in scauthd, neither crosses one of its sockets. What a
// caller gets beside the sentence of the code is `say`.

import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { AgentError, describeError, type AgentErrorCode } from '../../../agent/base/errors.ts';
import { failureText } from '../../../agent/words/failures.ts';
import type { TokenSource } from '../../../agent/token/interface.ts';
import { runLogin } from '../../kit/story/run-login.ts';
import { serve } from './admin-place.ts';

const MARK = 'detail-0f3a';
const SAID = 'said-77c1';

/** The compiler says when one is missing. */
const CODES: Readonly<Record<AgentErrorCode, true>> = {
  ...{
    malformed: true,
    'invalid-argument': true,
    'no-service': true,
    'not-authorised': true,
    'no-card': true,
  },
  ...{
    'card-changed': true,
    'card-reset': true,
    'card-busy': true,
    'card-timeout': true,
    'card-fault': true,
  },
  ...{
    contactless: true,
    'module-fault': true,
    'driver-fault': true,
    'wrong-pin': true,
    'pin-blocked': true,
  },
  ...{ 'pin-reserve': true, 'pin-not-yours': true, 'pin-expired': true, 'pin-not-set': true },
  ...{
    'pin-malformed': true,
    'pin-timeout': true,
    'touch-timeout': true,
    'wrong-puk': true,
    'puk-blocked': true,
    'wrong-answer': true,
  },
  ...{
    'cannot-set-up': true,
    'not-supported': true,
    'no-identity': true,
    'weak-key': true,
    'bad-certificate': true,
  },
  ...{
    'untrusted-certificate': true,
    'card-suspect': true,
    'card-unchecked': true,
    'factory-secrets': true,
    'not-attested': true,
  },
  ...{ 'bad-proof': true, 'already-paired': true, 'several-pairings': true, 'paired-elsewhere': true },
  ...{ 'not-paired': true, 'key-conflict': true },
  ...{ 'card-lost': true, 'already-lost': true, 'not-lost': true },
  ...{ 'store-unreadable': true, 'store-newer': true, 'would-shut-out': true, 'no-card-login': true },
  ...{ 'not-allowed': true, 'not-here': true, 'unknown-user': true, 'wrong-password': true, cancelled: true },
  ...{ 'config-invalid': true, internal: true },
};
const SAYING: readonly AgentErrorCode[] = [
  'wrong-answer',
  ...(['malformed', 'invalid-argument', 'weak-key', 'not-attested', 'untrusted-certificate'] as const),
  ...(['factory-secrets', 'cannot-set-up', 'paired-elsewhere'] as const),
  ...(['would-shut-out', 'store-newer'] as const),
];

/** All that comes back for one call, as text. */
function answerTo(path: string, call: object): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify(call)}\0`));
    socket.setEncoding('latin1').on('data', (some: string) => (text += some));
    socket.on('error', reject).on('close', () => {
      resolve(text);
    });
  });
}

/** What callers of both sockets get to read while no card can be looked at because of `error`. */
async function answers(t: ExecutionContext, error: AgentError): Promise<string[]> {
  const tokens: TokenSource = { present: () => Promise.reject(error), onChange: () => () => undefined };
  const { path } = await serve(t, { tokens });
  const { told } = await runLogin(null, { tokens, lenient: true });
  return [
    await answerTo(path, { method: 'io.scauth.ListTokens' }),
    await answerTo(path, { method: 'io.scauth.VerifyPin', parameters: { token: null }, upgrade: true }),
    told.join(),
  ];
}

for (const code of Object.keys(CODES) as AgentErrorCode[])
  test(`${code}: its detail is in the log and in no sentence`, async (t) => {
    const error = new AgentError(code, { detail: MARK, say: SAID, cause: new Error(`${MARK}-cause`) });
    t.regex(describeError(error), new RegExp(`${MARK}.*${MARK}-cause`));
    const text = failureText(error);
    t.false(text.includes(MARK), text);
    t.is(text.includes(SAID), SAYING.includes(code), text);
    t.regex(text, /[.)]$|confirm$/);
    const read = await answers(t, error);
    t.true(read[0]?.includes(`"code":"${code}"`), read[0]);
    t.true(read[1]?.includes(`"error":"${code}"`), read[1]);
    for (const one of read) t.false(one.includes(MARK), one);
  });

test('without a word of its own a failure is a whole sentence, and the log has the code', (t) => {
  for (const code of SAYING) {
    t.notRegex(failureText(new AgentError(code)), /undefined|: \.|: $/);
    t.is(describeError(new AgentError(code, { say: SAID })), `${code}: ${SAID}`);
  }
});
