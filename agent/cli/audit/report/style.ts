// How the report looks: light and dark, on a phone (nothing is wider than the screen), and on paper (light, nothing is
// cut in two at the end of a page, bars keep their colours).

import { Html } from './html.ts';

const LIGHT = `--paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --tile: #f6f8fa; --good: #1a7f4b;
  --granted: #2f6fbb; --denied: #c4231c; --unavailable: #b07d10; --cancelled: #8a939c; --plain: #2f6fbb;`;
const DARK = `--paper: #0d1117; --ink: #e6edf3; --soft: #a2abb5; --line: #30363d; --tile: #161b22; --good: #3fb97a;
  --granted: #6ca4e6; --denied: #ff7b72; --unavailable: #d9a83a; --cancelled: #717a84; --plain: #6ca4e6;`;

export const STYLE = new Html(`
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1000px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 8px; } h2 { font-size: 20px; margin: 40px 0 8px; }
p { max-width: 75ch; } .soft { color: var(--soft); } code { font: 13px/1.5 ui-monospace, monospace; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; padding: 0; margin: 20px 0; list-style: none; }
.tiles li { background: var(--tile); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; font-size: 14px; line-height: 1.35; }
.tiles strong { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.seal { border: 1px solid var(--line); border-left: 6px solid var(--unavailable); border-radius: 8px; padding: 12px 16px; }
.seal.whole { border-left-color: var(--good); } .seal.broken { border-left-color: var(--denied); }
.seal h2 { margin: 0 0 4px; } .seal p { margin: 4px 0; } .seal ul { padding-left: 20px; }
.chart { display: grid; grid-template-columns: auto 1fr; gap: 4px 8px; font-size: 14px; font-variant-numeric: tabular-nums; }
.chart svg { width: 100%; height: 200px; border-bottom: 1px solid var(--soft); }
.chart .scale { display: flex; flex-direction: column; justify-content: space-between; text-align: right; line-height: 1; }
.chart .ends { grid-column: 2; display: flex; justify-content: space-between; gap: 12px; }
.granted { fill: var(--granted); } .denied { fill: var(--denied); } .unavailable { fill: var(--unavailable); }
.cancelled { fill: var(--cancelled); } .grid { stroke: var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 12px 0; list-style: none; }
.legend svg { width: 14px; height: 14px; margin-right: 6px; vertical-align: -2px; }
table { border-collapse: collapse; width: 100%; margin: 8px 0; font-size: 15px; }
/* Said to screen readers: for eyes the heading over the table says the same. */
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: normal; }
thead th { color: var(--soft); font-size: 14px; } .n { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; }
.bars th { width: 45%; } .bars td { padding-right: 0; } .bars div { display: flex; align-items: center; gap: 8px; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bars span { flex: 0 1 auto; height: 14px; min-width: 2px; border-radius: 2px; background: var(--plain); }
.bars.why span { background: var(--denied); }
.days td, .days th { padding-left: 6px; }
.events { list-style: none; padding: 0; margin: 8px 0; font-size: 15px; }
.events li { display: grid; grid-template-columns: 170px 1fr; gap: 0 16px; padding: 7px 0; border-bottom: 1px solid var(--line); }
.events time { font-variant-numeric: tabular-nums; } .events p { margin: 0; }
summary { cursor: pointer; padding: 8px 0; }
@media (max-width: 560px) { body { padding: 16px; } .events li { grid-template-columns: 1fr; } .events time { color: var(--soft); font-size: 14px; }
  .tiles { grid-template-columns: 1fr 1fr; } .bars th { width: 50%; } .days { font-size: 14px; } }
@media print { @page { margin: 15mm; } body { padding: 0; max-width: none; font-size: 11pt; } h2, h2 + p { break-after: avoid; } h2 { margin-top: 24px; }
  tr, li, .seal, .chart, .legend { break-inside: avoid; } thead { display: table-header-group; }
  details:not([open]) { display: none; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`);
