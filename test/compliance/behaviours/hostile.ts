// Cards that answer wrong, at each kind of command that a login sends. L10: unchecked lengths were OpenSC's CVEs of two
// years. Whatever a card says: nobody gets in by it, it is over in time, and the password has its turn.
import { withCard, type Behaviour } from '../behaviour.ts';
import type { FaultAction } from '../../kit/card/faults.ts';
import type { Reply } from '../client.ts';

const WRONG: Reply = { text: '000000' };

const COMMANDS = [
  { ins: 'A4', name: 'select', what: 'SELECT' },
  { ins: 'CB', name: 'get-data', what: 'GET DATA' },
  { ins: '20', name: 'verify', what: 'VERIFY' },
  { ins: '87', name: 'sign', what: 'GENERAL AUTHENTICATE' },
] as const;

const ANSWERS: readonly (readonly [name: string, what: string, action: FaultAction])[] = [
  ['nothing', 'nothing at all', { kind: 'reply', hex: '' }],
  ['one-byte', 'one byte', { kind: 'reply', hex: '90' }],
  ['bare-9000', '9000 and no data', { kind: 'reply', hex: '9000' }],
  ['6f00', '6F00', { kind: 'status', sw: '6F00' }],
  ['6700', '6700', { kind: 'status', sw: '6700' }],
  ['6a82', '6A82', { kind: 'status', sw: '6A82' }],
  ['6983', '6983', { kind: 'status', sw: '6983' }],
  ['63ff', '63FF', { kind: 'status', sw: '63FF' }],
  ['0000', '0000', { kind: 'status', sw: '0000' }],
  ['endless', '61FF for ever', { kind: 'endless-61' }],
  ['empty-61', '6100 and nothing', { kind: 'empty-61' }],
  ['past-the-end', 'a length past its end', { kind: 'reply', hex: '7C8401FFFFFF82009000' }],
  ['indefinite', 'an indefinite length', { kind: 'reply', hex: '7C8082009000' }],
  ['five-byte-length', 'a length of five bytes', { kind: 'reply', hex: '7C85010000000082009000' }],
  ['all-ff', '256 bytes of FF', { kind: 'reply', hex: `${'FF'.repeat(256)}9000` }],
  ['cut', 'its answer cut to three bytes', { kind: 'truncate', bytes: 3 }],
];

/** By a wrong PIN where the card's answer has nothing to do with the PIN, else by the right one. */
const pinAt = (ins: string): 'wrong' | 'right' => (ins === '20' || ins === '87' ? 'right' : 'wrong');

export const hostile: readonly Behaviour[] = COMMANDS.flatMap(({ ins, name, what: command }) =>
  ANSWERS.map(([answer, what, action]) =>
    withCard(
      `${name}-${answer}`,
      `A card that answers ${command} with ${what} lets nobody in, and leaves the password its turn`,
      async (world) => {
        const body = ins === '20' ? { body: true } : {};
        await world.card.misbehave({ ...action, ins, ...body, times: 'always' });
        const typed = pinAt(ins) === 'right' ? world.pin : WRONG;
        const { letIn } = await world.login('only', { pins: [typed] });
        return !letIn && (await world.passwordWorks([typed]));
      },
      { of: 'L10, CVE-2024-45615 to -45620, CVE-2025-49010' },
    ),
  ),
);
