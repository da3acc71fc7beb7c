// What the demo shows, as a recording: an asciicast (version 2, docs.asciinema.org/manual/asciicast/v2) to be played in a
// terminal, and a picture of the same text for a page. What is recorded is what really happened; only the pauses are made.

/** A page's width of text. */
const COLUMNS = 116;
/** How long a viewer gets to read a line before the next scene, and how long nothing may happen. */
const READING_S = 1.5;
const LONGEST_WAIT_S = 2;

/** Control sequences (ECMA-48, 5.4) and carriage returns: nothing that a page could show. */
const CONTROLS = /\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

function wrapped(line: string): string[] {
  if (line.length <= COLUMNS) return [line];
  return [line.slice(0, COLUMNS), ...wrapped(line.slice(COLUMNS))];
}

export class Cast {
  readonly #events: { readonly atS: number; readonly text: string }[] = [];
  #nowS = 0;
  #lastMs = performance.now();

  /** Something has come on the screen now. */
  write(text: string): void {
    const nowMs = performance.now();
    this.#nowS += Math.min((nowMs - this.#lastMs) / 1000, LONGEST_WAIT_S);
    this.#lastMs = nowMs;
    this.#events.push({ atS: this.#nowS, text });
  }

  /** A scene is over. */
  pause(): void {
    this.#nowS += READING_S;
  }

  /** The lines that are on the screen at the end. */
  get lines(): string[] {
    const text = this.#events.map((event) => event.text).join('');
    return text
      .replace(CONTROLS, '')
      .replaceAll('\t', '  ')
      .trim()
      .split('\n')
      .flatMap((line) => wrapped(line.trimEnd()));
  }

  toAsciicast(title: string): string {
    const header = { version: 2, width: COLUMNS, height: 30, title };
    const events = this.#events.map(({ atS, text }) => [
      Number(atS.toFixed(3)),
      'o',
      text.replace(/\r?\n/g, '\r\n'),
    ]);
    return [header, ...events].map((one) => `${JSON.stringify(one)}\n`).join('');
  }

  /** Light or dark as the reader has it; comments of the demo stand back, commands stand out. */
  toSvg(title: string): string {
    const { lines } = this;
    const escape = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const kindOf = (line: string): string => (line.startsWith('# ') ? 'c' : /^\w+\$ /.test(line) ? 'p' : 'o');
    const text = lines.map((line, row) =>
      line === ''
        ? ''
        : `<text class="${kindOf(line)}" x="16" y="${34 + row * 19}" xml:space="preserve">${escape(line)}</text>`,
    );
    const height = 34 + lines.length * 19;
    const width = 32 + COLUMNS * 8.43;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
<title>${escape(title)}</title>
<style>
rect { fill: #f6f8fa; stroke: #d0d7de; } text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #24292f; }
.c { fill: #57606a; font-style: italic; } .p { font-weight: 700; }
@media (prefers-color-scheme: dark) { rect { fill: #0d1117; stroke: #30363d; } text { fill: #c9d1d9; } .c { fill: #8b949e; } }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${text.filter((line) => line !== '').join('\n')}
</svg>
`;
  }
}
