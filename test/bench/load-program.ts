// Many logins by card at once, from within a sandbox as root: node load-program.ts PIN AT-ONCE AGAIN UID:NAME...
// They are spread over the accounts, each under its uid. AGAIN: milliseconds after which somebody who is through comes
// again; 0: once. The line `begin` begins a round. It says `first` when the first of a round is let in, and then how many
// were; with AGAIN: when the round was ended by the line `end`.
import { createInterface } from 'node:readline';
import { frameLogin } from './frame-login.ts';

const [pin = '', atOnce = '0', again = '0', ...people] = process.argv.slice(2);
const accounts = people.map((person) => {
  const [uid = '', user = ''] = person.split(':');
  return { uid: Number(uid), user };
});
const againMs = Number(again);
let isOver = false;
let isFirst = true;

async function logIn(number: number): Promise<number> {
  const account = accounts[number % accounts.length];
  if (account === undefined) throw new Error('nobody');
  let granted = 0;
  // Who comes again and again came at some time.
  if (againMs > 0) await new Promise((resolve) => setTimeout(resolve, againMs * Math.random()));
  do {
    process.seteuid?.(account.uid);
    const login = frameLogin(account, pin, () => undefined);
    process.seteuid?.(0);
    if ((await login) === 'granted') {
      granted += 1;
      if (isFirst) console.log('first');
      isFirst = false;
    }
    if (againMs > 0) await new Promise((resolve) => setTimeout(resolve, againMs * (0.5 + Math.random())));
  } while (againMs > 0 && !isOver);
  return granted;
}

let round: Promise<number[]> | null = null;
for await (const line of createInterface({ input: process.stdin })) {
  isFirst = line !== 'end';
  isOver = !isFirst;
  if (!isOver) round = Promise.all(Array.from({ length: Number(atOnce) }, (_, number) => logIn(number)));
  if (againMs > 0 && !isOver) continue;
  const all = (await round) ?? [];
  console.log(all.reduce((sum, one) => sum + one, 0));
}
