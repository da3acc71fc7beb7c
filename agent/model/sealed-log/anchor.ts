// An anchor: the number and seal of one record, as a line of text that is kept outside the machine. Since each line of
// the log carries the seal before it, an anchor fixes all records up to it, also against somebody who has the
// verification key. Pure.

/** Time: milliseconds since the epoch. */
export interface Anchor {
  readonly sequence: number;
  readonly seal: string;
  readonly timeMs: number;
}

const FORM = /scauth-anchor 1 (\d{1,15}) ([A-Za-z0-9_-]{43}) (\d{1,15})(?![A-Za-z0-9_-])/g;

export function anchorText({ sequence, seal, timeMs }: Anchor): string {
  return `scauth-anchor 1 ${sequence} ${seal} ${timeMs}`;
}

/** All anchors in a text, whatever stands around them (a journal's or syslog's lines). */
export function anchorsIn(text: string): Anchor[] {
  return [...text.matchAll(FORM)].map(([, sequence = '', seal = '', time = '']) => ({
    sequence: Number(sequence),
    seal,
    timeMs: Number(time),
  }));
}
