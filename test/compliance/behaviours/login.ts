// What a person expects who has the card and knows the PIN, and what they are shown.
import { withCard, type Behaviour } from '../behaviour.ts';
import type { Stack } from '../world.ts';

const MANY = 20;

const rightPin = (['only', 'then-permit', 'or-password', 'told-on'] as const satisfies Stack[]).map(
  (stack): Behaviour =>
    withCard(`right-pin-${stack}`, `Card and PIN let in (${stack})`, async (world) => {
      return (await world.login(stack, { pins: [world.pin] })).letIn;
    }),
);

export const login: readonly Behaviour[] = [
  ...rightPin,
  withCard('two-factors', 'Card, PIN and password let in where both are wanted', async (world) => {
    const { password } = world.sandbox;
    return (await world.login('and-password', { pins: [world.pin], password })).letIn;
  }),
  withCard(
    'two-factors-password-first',
    'Password, then card and PIN let in where both are wanted',
    async (world) => {
      const { password } = world.sandbox;
      return (await world.login('password-first', { pins: [world.pin], password })).letIn;
    },
  ),
  withCard('one-question', 'Card and PIN are one question', async (world) => {
    const { letIn, questions } = await world.login('or-password', { pins: [world.pin] });
    return letIn && questions.length === 1;
  }),
  withCard('hidden', 'The PIN is asked for without echo', async (world) => {
    const { letIn, hidden } = await world.rightPin();
    return letIn && hidden;
  }),
  withCard('says-pin', 'The question says that a PIN is wanted', async (world) => {
    const { questions } = await world.rightPin();
    return /\bPIN\b/.test(questions[0] ?? '');
  }),
  withCard(
    'as-person',
    'A screen lock that runs as the person lets in by card and PIN',
    async (world) => {
      return (await world.rightPin({ as: world.sandbox.user })).letIn;
    },
    { of: 'hyprlock#901, yubico-pam#113' },
  ),
  withCard('twenty', 'Twenty logins in a row let in, each by its own PIN', async (world) => {
    for (let time = 0; time < MANY; time += 1) if (!(await world.rightPin()).letIn) return false;
    return true;
  }),
  withCard('no-try', 'A right PIN costs no try', async (world) => {
    return (await world.rightPin()).letIn && (await world.spent()) === 0;
  }),
  withCard(
    'reinserted',
    'A card that was put in anew logs in',
    async (world) => {
      await world.program.eject(world.sandbox);
      await world.program.insert(world.sandbox);
      return (await world.rightPin()).letIn;
    },
    { of: 'OpenSC#1479' },
  ),
  withCard(
    'no-files',
    'No file is left open after a login',
    async (world) => {
      const { letIn, leaksFiles } = await world.rightPin();
      return letIn && !leaksFiles;
    },
    { of: 'L14, pam_u2f 1.0.8' },
  ),
  withCard(
    'no-files-wrong',
    'No file is left open after a wrong PIN',
    async (world) => {
      return !(await world.login('only', { pins: [{ text: '000000' }] })).leaksFiles;
    },
    { of: 'L14' },
  ),
  withCard('silent', 'A login that goes well gives no error message', async (world) => {
    const { letIn, messages } = await world.rightPin();
    return letIn && !messages.some((text) => /fail|error|wrong|cannot|denied/i.test(text));
  }),
  withCard(
    'few-apdus',
    'A login needs no more than thirty APDUs',
    async (world) => {
      const { letIn } = await world.rightPin();
      await world.idle();
      return letIn && (await world.card.log()).length <= 30;
    },
    { of: 'SSSD#8743' },
  ),
  withCard('two-at-once', 'Two logins at once with the right PIN both let in', async (world) => {
    const both = await Promise.all([world.rightPin(), world.rightPin()]);
    return both.every(({ letIn }) => letIn);
  }),
  withCard(
    'right-beside-wrong',
    'Of two logins at once the one with the wrong PIN is not let in',
    async (world) => {
      const wrong = world.login('only', { pins: [{ text: '000000' }] });
      const right = world.rightPin();
      const ends = await Promise.all([wrong, right]);
      return !ends[0].letIn;
    },
    { of: 'L17' },
  ),
  withCard(
    'waiting-beside',
    'Somebody who waits at the question for the PIN keeps nobody else from logging in',
    async (world) => {
      const waiting = world.start('only');
      await waiting.question();
      const { letIn } = await world.rightPin();
      waiting.answer('error');
      await waiting.end();
      return letIn;
    },
  ),
];
