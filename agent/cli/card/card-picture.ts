// The picture of a card: a frame that is open to the right, since nobody knows how wide a terminal makes a name. Every
// line fits the width that is there; marks are ASCII where the terminal's characters may be.

import { card as say, key as keyWords } from '../../words/show.ts';
import { columnsOf } from '../../base/columns.ts';
import { cut, styled, wrapped, type Line, type Look } from '../terminal/style.ts';
import { isNotYet, logsIn, type CardView, type KeyView } from './card-view.ts';

export interface Frame {
  readonly columns: number;
  readonly plain: boolean;
  /** The caller sees everybody's pairings. */
  readonly asRoot: boolean;
  readonly nowMs: number;
}

const MARKS = {
  lines: { top: '╭─', part: '├─', side: '│', foot: '╰─', fill: '─', left: '▕', right: '▏' },
  ascii: { top: '+-', part: '+-', side: '|', foot: '+-', fill: '-', left: '[', right: ']' },
  bar: ['█', '░'],
  asciiBar: ['#', '.'],
  tries: ['●', '○'],
  asciiTries: ['*', '.'],
} as const;

const MARGIN = 3;
/** A name of any length keeps so many lines. */
const NAME_LINES = 2;
const MOST_TRIES = 16;
const BAR = { least: 6, most: 32 };
const DAY = 10;
const SOON_DAYS = 30;

class Picture {
  readonly #frame: Frame;
  readonly #marks: (typeof MARKS)['lines'] | (typeof MARKS)['ascii'];
  readonly lines: Line[] = [];

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#marks = frame.plain ? MARKS.ascii : MARKS.lines;
  }

  /** A line across, with what the part below it is about. */
  rule(corner: 'top' | 'part' | 'foot', title = ''): void {
    const head = this.#marks[corner];
    const said = title === '' ? '' : ` ${cut(title, this.#frame.columns - MARGIN - 2)} `;
    const left = Math.max(0, this.#frame.columns - head.length - columnsOf(said));
    this.lines.push([head, styled('heading', said), this.#marks.fill.repeat(left)]);
  }

  /** @param most lines; what is behind them is cut */
  text(text: string, look: Look | null = null, most = Infinity): void {
    const all = wrapped(text, this.room);
    const shown = all.slice(0, most);
    shown.forEach((line, at) => {
      const isCut = at === most - 1 && all.length > most;
      const whole = isCut ? `${cut(line, this.room - 1).replace(/…$/, '')}…` : line;
      this.lines.push([`${this.#marks.side}  `, look === null ? whole : styled(look, whole)]);
    });
  }

  get room(): number {
    return Math.max(MARGIN, this.#frame.columns - MARGIN);
  }

  tries(name: string, left: number | null, total: number | null): void {
    const [have, spent] = this.#frame.plain ? MARKS.asciiTries : MARKS.tries;
    const look = left === null ? 'quiet' : left > 1 ? 'good' : 'bad';
    const counted = left !== null && total !== null && total >= left && total <= MOST_TRIES;
    const dots = counted ? `${have.repeat(left)}${spent.repeat(total - left)} ` : '';
    this.text(`${name} ${dots}${say.tries(left, total)}`, look);
  }

  /** From the first to the last day, filled as far as it has gone. */
  validity(key: KeyView): void {
    const { notBefore, notAfter, daysLeft } = key;
    if (notBefore === null || notAfter === null || daysLeft === null) return;
    const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
    const gone = to > from ? Math.min(1, Math.max(0, (this.#frame.nowMs - from) / (to - from))) : 1;
    const [past, ahead] = this.#frame.plain ? MARKS.asciiBar : MARKS.bar;
    const notYet = isNotYet(key, this.#frame.nowMs);
    const left = notYet ? keyWords.notYet : keyWords.daysLeft(daysLeft);
    const room = this.room - 2 * DAY - 4 - left.length - 2;
    const fits = room >= BAR.least;
    const width = Math.min(BAR.most, Math.max(BAR.least, fits ? room : room + left.length + 2));
    const filled = Math.round(gone * width);
    const look = daysLeft < 0 || notYet ? 'bad' : daysLeft <= SOON_DAYS ? 'warning' : 'good';
    const { left: open, right: close, side } = this.#marks;
    const [first, last] = [notBefore.slice(0, DAY), notAfter.slice(0, DAY)];
    this.lines.push([
      `${side}  ${first} ${open}`,
      styled(look, `${past.repeat(filled)}${ahead.repeat(width - filled)}`),
      `${close} ${last}`,
      ...(fits ? ['  ', styled(look, left)] : []),
    ]);
    if (!fits) this.text(left, look);
  }

  key(key: KeyView): void {
    const { slot, use, algorithm, pin, touch, hash, commonName, issuer, pairedWith, unfit, chain } = key;
    this.rule('part', keyWords.slot(slot, use));
    this.text(commonName ?? keyWords.noCertificate, commonName === null ? 'quiet' : 'heading', NAME_LINES);
    if (issuer !== null) this.text(keyWords.issuedBy(issuer), 'quiet', NAME_LINES);
    for (const { subject, notAfter } of chain?.slice(1) ?? [])
      this.text(keyWords.authority(subject, notAfter.slice(0, DAY)), 'quiet', NAME_LINES);
    this.text(keyWords.kind(algorithm, pin, touch));
    const you = !this.#frame.asRoot;
    if (pairedWith.length > 0) this.text(keyWords.paired(pairedWith, you), 'good');
    else if (logsIn(key)) this.text(keyWords.unpaired(you), 'warning');
    if (unfit !== null && use === 'authentication') this.text(keyWords.unfit(unfit), 'bad');
    this.validity(key);
    this.text(hash, 'quiet');
  }
}

/** A card, from its name to what is to be done. */
export function cardPicture(view: CardView, frame: Frame): Line[] {
  const { label, id, reader, triesLeft, triesTotal, pukTriesLeft, pukTriesTotal, keys, problems } = view;
  const picture = new Picture(frame);
  picture.rule('top', label);
  picture.text(say.reader(reader), null, NAME_LINES);
  picture.text(id, 'quiet');
  picture.tries('PIN', triesLeft, triesTotal);
  picture.tries('PUK', pukTriesLeft, pukTriesTotal);
  if (keys.length === 0) picture.text(say.noKey, 'quiet');
  for (const key of keys) picture.key(key);
  if (problems.length > 0) picture.rule('part', say.todo);
  for (const problem of problems) picture.text(`! ${problem}`, 'warning');
  picture.rule('foot');
  return picture.lines;
}
