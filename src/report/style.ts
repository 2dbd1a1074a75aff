// The look of report.html: one column of text, cards and charts that reflow, light and dark, and paper.
// --c1 .. --c4 are the chart colours; they keep a contrast of at least 3:1 with the background of either scheme.

import { FIGURE_STYLE } from './eval/look.js';

export const STYLE = `
:root { color-scheme: light dark; --bg: #fcfcfb; --card: #ffffff; --fg: #24292f; --muted: #626a73; --line: #e3e5e8;
  --c1: #2b6cb0; --c2: #c05621; --c3: #2f855a; --c4: #805ad5; --warn: #9a5b00; --bad: #b42318; --mark: #fdeec2; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --card: #1b1f23; --fg: #dde2e7; --muted: #98a1ab;
  --line: #2d333a; --c1: #6ea8e5; --c2: #eb9a63; --c3: #68b98b; --c4: #b794f4; --warn: #e0ac53; --bad: #f08a7e; --mark: #51431a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 44px 0 12px; }
h3 { font-size: 14px; margin: 0 0 2px; font-weight: 600; }
p { margin: 0 0 10px; }
.muted, .empty, .note { color: var(--muted); }
.note { font-size: 13px; max-width: 75ch; }
.note.after, .after { margin-top: 10px; } h3.table { margin: 22px 0 4px; } .scroll + .scroll, .scroll + table { margin-top: 18px; }
.status, .warning { overflow-wrap: anywhere; }
.status { font-size: 13px; font-weight: 600; color: var(--c3); }
.status.interrupted, .status.running { color: var(--warn); } .status.diverged, .status.failed { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 10px; margin-top: 22px; }
.cards div, figure, .sample, .warning { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.cards div { padding: 10px 14px 12px; }
.cards span { display: block; color: var(--muted); font-size: 12.5px; }
.cards b { display: block; font-size: 20px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
figure { margin: 0 0 10px; padding: 14px 16px 10px; min-width: 0; }
.charts figure { margin: 0; } .charts + .note { margin-top: 10px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
svg path { fill: none; } .grid { stroke: var(--line); } .axis { stroke: var(--muted); stroke-opacity: 0.6; }
path.line { stroke-width: 1.8; stroke-linejoin: round; } path.faint { stroke-width: 1; stroke-opacity: 0.4; }
path.dots { stroke-width: 1.4; } .ref { stroke: var(--muted); stroke-dasharray: 5 4; stroke-opacity: 0.7; }
.mark { stroke: var(--muted); stroke-dasharray: 1 3; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 6px; color: var(--muted); font-size: 13px; }
.legend i { display: inline-block; width: 16px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: 4px;
  background: currentColor; } .legend i.faint { opacity: 0.45; }
.legend svg { display: inline-block; width: 34px; height: 12px; margin-right: 7px; vertical-align: -1px; }
.legend i.marks { width: 10px; height: 10px; border-radius: 50%; background: none; border: 1.6px solid; vertical-align: -1px; }
circle { fill: none; stroke-width: 1.6; }
path.cloud { stroke: var(--c1); stroke-width: 7; stroke-linecap: round; stroke-opacity: 0.45; } figure.square { max-width: 560px; }
td.muted { color: var(--muted); } .sample pre { max-height: 24em; overflow-y: auto; background: none; padding: 8px 12px; }
.sample p.part { margin: 8px 0 2px; color: var(--muted); font-size: 13px; } b.right { color: var(--c3); } b.wrong { color: var(--bad); }
table.confusion { width: auto; } table.confusion td, table.confusion th { padding: 7px 14px; max-width: 16em; overflow-wrap: anywhere; }
table.confusion td { text-align: right; border: 1px solid var(--line); }
table.confusion td.right { background: color-mix(in srgb, var(--c1) var(--share), transparent); }
table.confusion td.wrong { background: color-mix(in srgb, var(--c2) var(--share), transparent); }
table.confusion td small { display: block; font-size: 12.5px; }
.pick { position: absolute; opacity: 0; } .picks { float: right; font-size: 13px; margin-left: 12px; }
.picks label { cursor: pointer; color: var(--muted); padding: 1px 7px; border-radius: 5px; }
.view { display: none; } .small { display: none; }
#linear:checked ~ .linear, #log:checked ~ .log { display: block; }
#linear:checked ~ .picks label[for=linear], #log:checked ~ .picks label[for=log] { color: var(--fg); background: var(--line); }
.pick:focus-visible ~ .picks { outline: 2px solid var(--c1); border-radius: 5px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--muted); font-weight: 500; font-size: 13px; }
td, th { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; } td.w { white-space: nowrap; } tr.own td { font-weight: 600; }
td.key, td code, pre, .sample p { overflow-wrap: anywhere; }
code, pre { font: 12.5px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 0;
  white-space: pre-wrap; }
.sample { padding: 12px 16px; margin-bottom: 10px; }
.sample p.text { white-space: pre-wrap; margin: 6px 0; max-width: 80ch; max-height: 28em; overflow-y: auto; font-family: Georgia, "Noto Serif", "DejaVu Serif", serif; }
mark { background: var(--mark); color: inherit; border-radius: 3px; }
.warning { padding: 10px 16px; margin-top: 12px; border-left: 3px solid var(--warn); }
.warning p { margin: 0; } tr.default td { color: var(--muted); }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--muted); }
footer { margin-top: 48px; color: var(--muted); font-size: 13px; }
@media (max-width: 640px) { main { padding: 22px 14px 40px; } .charts { grid-template-columns: 1fr; } .big { display: none; }
  .small { display: block; } figure { padding: 12px 10px 8px; } h1 { font-size: 22px; } .cards { grid-template-columns: 1fr 1fr; }
  .cards b { font-size: 18px; } .charts svg text { font-size: 15px; } .small svg text { font-size: 13px; } td, th { padding-right: 10px; } .picks { float: none; margin: 0 0 6px; } }
@media print { :root { --bg: #fff; --card: #fff; --fg: #000; --muted: #555; --line: #ddd; --c1: #2b6cb0; --c2: #c05621;
  --c3: #2f855a; --c4: #805ad5; --mark: #fdeec2; color-scheme: light; } main { max-width: none; padding: 0; } .sample p.text { max-height: none; } .picks { display: none; }
  figure, .sample, .cards div, tr { break-inside: avoid; } h2 { break-after: avoid; } }
${FIGURE_STYLE}`.replaceAll('\n', '');
