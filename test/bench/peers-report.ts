// What `npm run bench -- --only peers` found, for people: a table in Markdown, and a chart that follows the reader's light
// or dark page. No measuring here.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { CaseName, PeerRow, Program } from './peers.ts';
import { REAL_CARD_MS } from './rig.ts';

const CARDS: Readonly<Record<CaseName, string>> = {
  'piv-rsa2048': 'PIV, RSA-2048',
  'piv-p256': 'PIV, P-256',
  'pkcs11-rsa2048': 'OpenSC’s module for all, RSA-2048',
};
const NAMES: Readonly<Record<Program, string>> = {
  scauth: 'scauth',
  pam_p11: 'pam_p11',
  pam_pkcs11: 'pam_pkcs11',
  bare: 'a C program that checks nothing',
};

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function timesOf({ login }: PeerRow, delayMs: number): string {
  const times = typeof login === 'object' ? login.times.get(delayMs) : undefined;
  return times === undefined ? '' : `${milliseconds(times.medianMs)} / ${milliseconds(times.p95Ms)}`;
}

function cells(row: PeerRow): string[] {
  const { of, program, login, noCardMs, triesForPassword } = row;
  return [
    CARDS[of],
    NAMES[program],
    typeof login === 'string' ? login : String(login.apdus),
    typeof login === 'string' ? '' : String(login.bytes),
    timesOf(row, 0),
    timesOf(row, REAL_CARD_MS),
    noCardMs === null ? '' : milliseconds(noCardMs),
    triesForPassword === null ? '' : String(triesForPassword),
    typeof login === 'string' ? '' : login.leftVerified ? 'yes' : 'no',
  ];
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function peersTable(rows: readonly PeerRow[]): string {
  const head = [
    ...[
      'card',
      'program',
      'APDUs',
      'bytes',
      'login, median / p95 ms',
      `${REAL_CARD_MS} ms an APDU, median / p95 ms`,
    ],
    ...['no card, ms', 'tries that a typed password costs', 'card left verified'],
  ];
  return markdown(head, rows.map(cells));
}

/** The rows that a newcomer wants: one card by PIV, at the pace of a USB reader. */
export function shortTable(rows: readonly PeerRow[]): string {
  const shown = rows.filter(({ of, program }) => of === 'piv-rsa2048' && program !== 'bare');
  return markdown(
    ['a login with a PIV card', 'APDUs', `time, ${REAL_CARD_MS} ms an APDU`],
    shown.flatMap(({ program, login }) =>
      typeof login === 'string'
        ? []
        : [
            [
              NAMES[program],
              String(login.apdus),
              `${milliseconds(login.times.get(REAL_CARD_MS)?.medianMs ?? NaN)} ms`,
            ],
          ],
    ),
  );
}

const WIDTH = 720;
const LABEL_WIDTH = 250;
const BAR_HEIGHT = 20;
const ROW_HEIGHT = 28;
const HEAD_HEIGHT = 34;
const VALUE_WIDTH = 150;

/** Bars: a login at the pace of a card in a USB reader, by card and program; its APDUs beside it. */
export function peersChart(rows: readonly PeerRow[]): string {
  const msOf = ({ login }: PeerRow): number =>
    (typeof login === 'object' ? login.times.get(REAL_CARD_MS)?.medianMs : null) ?? 0;
  const longest = Math.max(...rows.map(msOf));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest;
  let y = HEAD_HEIGHT + 8;
  const parts: string[] = [];
  for (const of of Object.keys(CARDS) as CaseName[]) {
    parts.push(`<text class="card" x="0" y="${y + 14}">${CARDS[of]}</text>`);
    y += ROW_HEIGHT;
    for (const row of rows.filter((one) => one.of === of)) {
      const { program, login } = row;
      const width = msOf(row) * scale;
      const said = typeof login === 'string' ? login : `${milliseconds(msOf(row))} ms, ${login.apdus} APDUs`;
      parts.push(
        `<text x="${LABEL_WIDTH - 10}" y="${y + 15}" text-anchor="end">${NAMES[program]}</text>`,
        `<rect class="${program === 'scauth' ? 'ours' : 'theirs'}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="3"/>`,
        `<text x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${y + 15}">${said}</text>`,
      );
      y += ROW_HEIGHT;
    }
    y += 10;
  }
  const title = `A login by card and PIN, ${REAL_CARD_MS} ms an APDU: less is better`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${title}">
<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title, .card { font-weight: 600 }
.ours { fill: #1a7f37 }
.theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #3fb950 } .theirs { fill: #6e7681 } }
</style>
<text class="title" x="0" y="18">${title}</text>
${parts.join('\n')}
</svg>
`;
}

/** Puts `text` in the place of what stands between the two marks in a file. @throws Error where they are not there */
export async function putBetweenMarks(file: string, mark: string, text: string): Promise<void> {
  const before = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  const whole = `${before.slice(0, from)}${begin}\n\n${text}\n\n${before.slice(to)}`;
  writeFileSync(file, await format(whole, { ...(await resolveConfig(file)), filepath: file }));
}
