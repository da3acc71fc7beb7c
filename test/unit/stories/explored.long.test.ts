// Two logins at once, and what may happen around them, in every order: nobody gets in without the card's proof, no last
// try goes without a yes, and the account phase lets nobody by whom it should have stopped. `npm run soak` has two people
// and two incidents each (explored.soak.ts).

import test from 'ava';
import { PIN } from '../../kit/story/fakes.ts';
import { exploring } from '../../kit/story/explored.ts';
import { INCIDENTS, WRONG, type Typist } from '../../kit/story/explored-world.ts';
import { attacker } from '../../kit/story/run-login.ts';

const right: Typist = { pins: [PIN], agrees: false };
const guesser: Typist = { pins: [WRONG, '222222', '333333'], agrees: false };
const daring: Typist = { pins: [WRONG, '222222'], agrees: true };

test.serial('two right PINs', exploring, { people: [right, right] });
test.serial('a right PIN and one who guesses', exploring, { people: [right, guesser] });
test.serial('two who guess', exploring, { people: [guesser, guesser] });
test.serial('one who guesses, one who agrees to a last try', exploring, {
  ...{ people: [guesser, daring], triesLeft: 2 },
});
test.serial('two who agree, with two tries in reserve', exploring, {
  ...{ people: [daring, daring], triesLeft: 2, reserve: 2 },
});
test.serial('a copy of the card', exploring, { people: [right, right], signer: attacker });

for (const [index, incident] of INCIDENTS.entries()) {
  test.serial(`${incident}, and two people`, exploring, {
    ...{ people: [right, guesser], incidents: [incident], triesLeft: 2 },
  });
  for (const other of INCIDENTS.slice(index + 1))
    test.serial(`${incident} and ${other}, and one person`, exploring, {
      ...{ people: [right], incidents: [incident, other] },
    });
}
