// Does pcscd let this process in? A program that doctor runs as the user of a driver: it says one word. What pcscd asks
// polkit depends on who is at the other end of its socket, so only such a process gets the true answer.
// No card is touched: of a reader that is not there pcscd first asks whether this user may have its card.

import * as C from '../../pcsc/constants.ts';
import { loadWinscard } from '../../pcsc/library.ts';

/** pcscd hangs up on whom it refuses; what libpcsclite makes of that depends on how far it had come. */
const TRIES = 3;

async function ask(): Promise<'reached' | 'refused' | 'no-service'> {
  const library = loadWinscard();
  const { rv, context } = await library.establishContext();
  if (rv === C.SCARD_W_SECURITY_VIOLATION) return 'refused';
  if (rv !== C.SCARD_S_SUCCESS) return 'no-service';
  const card = await library.connect(context, 'scauth: a reader that is not there');
  return card.rv === C.SCARD_E_UNKNOWN_READER ? 'reached' : 'refused';
}

async function main(): Promise<void> {
  let answer = await ask();
  for (let tried = 1; tried < TRIES && answer === 'no-service'; tried++) answer = await ask();
  process.stdout.write(answer);
}

void main();
