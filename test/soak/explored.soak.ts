// Two logins and two incidents, in every order, on the real stories (test/kit/story/explored.ts).

import test from 'ava';
import { PIN } from '../kit/story/fakes.ts';
import { exploring } from '../kit/story/explored.ts';
import { INCIDENTS, WRONG } from '../kit/story/explored-world.ts';

const right = { pins: [PIN], agrees: false };
const daring = { pins: [WRONG, '222222'], agrees: true };

for (const [index, incident] of INCIDENTS.entries())
  for (const other of INCIDENTS.slice(index + 1))
    test.serial(`${incident} and ${other}, and two people`, exploring, {
      ...{ people: [right, daring], incidents: [incident, other], triesLeft: 2 },
    });
