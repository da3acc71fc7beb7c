// S8: where a driver of the kind card may put a PIN, command by command (ISO/IEC 7816-4, 11.6).
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import {
  checkPinCommand,
  checkPlain,
  isChained,
  pinReference,
} from '../../../../agent/token/plugin/pin-command.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const FF8 = 'FF'.repeat(8);

/** @returns the length of the whole command; null: refused */
function verify(command: string, offset = 5, fit = false): number | null {
  return lengthOf(() =>
    checkPinCommand(hex(command), { offset, fit }, null, { reference: 0x80, length: 6, newLength: null }),
  );
}

function change(command: string, newOffset: number | null, newLength: number | null = 6): number | null {
  const use = { reference: 0x80, length: 6, newLength };
  return lengthOf(() => checkPinCommand(hex(command), { offset: 5, fit: false }, newOffset, use));
}

function lengthOf(check: () => number): number | null {
  try {
    return check();
  } catch (error) {
    if (error instanceof AgentError && error.code === 'driver-fault') return null;
    throw error;
  }
}

test('S8: a VERIFY of the reference, with the PIN as its whole body', (t) => {
  t.is(verify(`0020008008${FF8}`), 13);
  t.is(verify(`0020008006${'00'.repeat(6)}`), 11);
  t.is(verify('0020008000', 5, true), 11, 'the command ends with the PIN');
  t.is(verify('00200080', 5, true), 11);
  for (const [command, offset = 5, fit = false] of [
    [`00DA008008${FF8}`],
    [`0020018008${FF8}`],
    [`0020008108${FF8}`],
    [`1020008008${FF8}`],
    [`0C20008008${FF8}`],
    [`0120008008${FF8}`],
    [`8020008008${FF8}`],
    [`0020008009${FF8}`],
    [`0020008008${FF8}00`],
    [`0020008005${'FF'.repeat(5)}`],
    [`0020008008${'FF'.repeat(7)}00`],
    [`00200080000008${FF8}`],
    [`0020008009${FF8}FF`, 6],
    ['0020008000', 6, true],
    ['0024008000', 5, true],
  ] as const)
    t.is(verify(command, offset, fit), null, command);
});

test('S8: a CHANGE REFERENCE DATA with the old PIN and the new one, and nothing else', (t) => {
  t.is(change(`0024008010${FF8}${FF8}`, 13), 21);
  for (const [command, newOffset, newLength = 6] of [
    [`0024008010${FF8}${FF8}`, null],
    [`0024008010${FF8}${FF8}`, 12],
    [`0024008010${FF8}${FF8}`, 14],
    [`0024018010${FF8}${FF8}`, 13],
    [`0024008110${FF8}${FF8}`, 13],
    [`0020008010${FF8}${FF8}`, 13],
    [`002C008010${FF8}${FF8}`, 13],
    [`0024008010${FF8}${'FF'.repeat(7)}41`, 13],
    [`0024008010${FF8}${FF8}`, 13, 9],
    [`0024008010${FF8}${FF8}`, 200],
    [`0024008010${FF8}${FF8}`, 13, null],
  ] as const)
    t.is(change(command, newOffset, newLength), null, command);
});

test('S8: a driver sends no reference data of its own, and asks for the counter as it likes', (t) => {
  for (const command of ['00200080', '0020008000', '0020FF80', '00A4040005A000000308', `00DB3FFF08${FF8}`])
    t.notThrows(() => {
      checkPlain(hex(command));
    }, command);
  for (const ins of ['20', '21', '24', '25', '2C', '2D', 'C2', 'C3'])
    for (const cla of ['00', '10', '80', '01'])
      t.throws(
        () => {
          checkPlain(hex(`${cla}${ins}008008${FF8}`));
        },
        { message: /reference data/ },
      );
});

test('S8: a PIN is named by its reference, and a chain is seen', (t) => {
  t.deepEqual(['80', '01', 'aF'].map(pinReference), [0x80, 0x01, 0xaf]);
  for (const id of ['1', 'PIN', '080', '8G', '']) t.throws(() => pinReference(id), undefined, id);
  t.deepEqual(
    ['10DB', '50DB', '00DB', '90AF', '0CDB'].map((command) => isChained(hex(command))),
    [true, true, false, false, false],
  );
});
