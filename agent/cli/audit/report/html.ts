// HTML that is made of parts: text is always quoted, and only what this file made is markup. No other way in.

/** Markup that may stand in a page as it is. */
export class Html {
  readonly markup: string;

  /** @param markup made by html`` or by constants of ours, never by text from outside */
  constructor(markup: string) {
    this.markup = markup;
  }
}

const QUOTED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const MAX_TEXT = 300;

/** Text for a page: quoted; control and bidirectional characters become `?`, and the length is capped. */
export function quote(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '?');
  const short = clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT - 1)}…` : clean;
  return short.toWellFormed().replace(/[&<>"']/g, (character) => QUOTED[character] ?? '');
}

type Part = Html | string | number | readonly Html[];

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (typeof part === 'string') return quote(part);
  if (typeof part === 'number') return String(part);
  return part.map(({ markup }) => markup).join('');
}

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    strings.map((text, index) => text + (index < parts.length ? markupOf(parts[index] ?? '') : '')).join(''),
  );
}
