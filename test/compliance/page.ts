// The table of behaviours and programs, as a page of the documents.
import { CHAPTERS, ELSEWHERE } from './behaviours/index.ts';
import { PROGRAMS, type ProgramName } from './programs.ts';
import { OUTCOMES, type Outcome } from './run.ts';

/** By a behaviour's id, program by program. */
export type Outcomes = ReadonlyMap<ProgramName, ReadonlyMap<string, Outcome>>;

const HEAD = `# What card logins by PAM do, program by program

Each line is a sentence that somebody who logs in, or who looks after such a machine, may take for granted, and a test of it that knows nothing of the program's insides (test/compliance): a PAM stack, a card, a person. \`npm run compliance -- --publish\` plays them all and writes this page.

SSSD, pam_p11, pam_pkcs11 and pam_u2f are Debian 12's packages, set up as their own documents say; pam_pkcs11 with proof of possession on, which is not its default, and SSSD with local accounts. The card has one key, since Debian 12's pam_p11 crashes where there are more. pam_u2f takes no PIV cards: what is looked at is what it does without its device.

**yes**: it is so. **no**: it is not. **hangs**: the login was not over after 30 seconds. **crashes**: the program that logs in was ended by a signal. **–**: not for this program.
`;

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome === '-') return '–';
  return outcome === 'yes' ? 'yes' : `**${outcome}**`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

const TAIL = `## What no login shows

These of the failures (L) and attacks (S) that the last column names have no sentence here:

`;

/** By a behaviour's sentence, program by program, as {@link compliancePage} wrote them. */
export function outcomesOf(page: string): ReadonlyMap<string, ReadonlyMap<ProgramName, Outcome>> {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim().replaceAll('*', '')));
  return new Map(
    rows
      .filter((cells) => cells.length === PROGRAMS.length + 4)
      .map(([, says = '', ...cells]) => [
        says,
        new Map(
          PROGRAMS.flatMap((name, at) => {
            const cell = cells[at] === '–' ? '-' : cells[at];
            const outcome = OUTCOMES.find((one) => one === cell);
            return outcome === undefined ? [] : [[name, outcome] as const];
          }),
        ),
      ]),
  );
}

export function compliancePage(outcomes: Outcomes): string {
  const columns = ['behaviour', ...PROGRAMS, 'known as'];
  const count = (name: ProgramName, wanted: Outcome): string =>
    String([...(outcomes.get(name)?.values() ?? [])].filter((one) => one === wanted).length);
  const sums = (['yes', 'no', 'hangs', 'crashes'] as const).map((wanted) =>
    row([wanted, ...PROGRAMS.map((name) => count(name, wanted))]),
  );
  const chapters = CHAPTERS.map(([title, behaviours]) => {
    const rows = behaviours.map(({ id, says, of = '' }) =>
      row([says, ...PROGRAMS.map((name) => cell(outcomes.get(name)?.get(id))), of]),
    );
    return [`## ${title}`, '', row(columns), row(columns.map(() => '---')), ...rows].join('\n');
  });
  const summary = [row(['', ...PROGRAMS]), row(['---', ...PROGRAMS.map(() => '---')]), ...sums].join('\n');
  const elsewhere =
    TAIL +
    Object.entries(ELSEWHERE)
      .map(([number, why]) => `- **${number}**: ${why}.`)
      .join('\n');
  return [HEAD, summary, '', ...[...chapters, elsewhere].flatMap((text) => [text, ''])].join('\n');
}
