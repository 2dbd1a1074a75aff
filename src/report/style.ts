// The look of report.html: one column of text, cards and charts that reflow, light and dark, and paper.
// --c1 .. --c4 are the chart colours, --s1 .. --s6 those of several runs (eval/look.ts): all keep a contrast of at least
// 3:1 with the background of either scheme, and text one of at least 4.5:1 (test/report/style.test.ts).

import { DARK as DARK_SERIES, FIGURE_STYLE, LIGHT as LIGHT_SERIES } from './eval/look.js';

/** Colours by name, of either scheme. */
export const LIGHT = {
  bg: '#f8f9fb',
  card: '#ffffff',
  fg: '#1c2128',
  muted: '#5a636e',
  line: '#e1e5ea',
  c1: '#2563b8',
  c2: '#c2501a',
  c3: '#24805a',
  c4: '#7a4fd0',
  warn: '#8f5400',
  bad: '#b42318',
  good: '#1d7a4f',
  mark: '#fdeec2',
} as const;

export const DARK: Readonly<Record<keyof typeof LIGHT, string>> = {
  bg: '#12151a',
  card: '#1a1e24',
  fg: '#e2e7ee',
  muted: '#9aa5b1',
  line: '#2c333c',
  c1: '#6fa8ec',
  c2: '#f09a5f',
  c3: '#62bd90',
  c4: '#b897f6',
  warn: '#e3b055',
  bad: '#f28b80',
  good: '#63c795',
  mark: '#52431a',
};

const variables = (colors: Readonly<Record<string, string>>, series: readonly string[]) =>
  [...Object.entries(colors), ...series.map((c, i) => [`s${i + 1}`, c] as const)]
    .map(([name, color]) => `--${name}:${color}`)
    .join(';');

/** Which drawing of a figure is shown: switch.ts. */
const VIEWS = ['step', 'tokens', 'time']
  .flatMap((axis) => ['linear', 'log'].map((scale) => [axis, scale] as const))
  .map(([a, s]) => `.switch:has(.o-${a}:checked):has(.o-${s}:checked) .v-${a}-${s}`)
  .join(',');

export const STYLE = `
:root { color-scheme: light dark; ${variables(LIGHT, LIGHT_SERIES)} }
@media (prefers-color-scheme: dark) { :root { ${variables(DARK, DARK_SERIES)} } }
* { box-sizing: border-box; }
html { scroll-padding-top: 52px; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 72px; } main:focus { outline: none; }
h1 { font-size: 30px; line-height: 1.2; margin: 2px 0 6px; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 20px; line-height: 1.3; margin: 0 0 16px; letter-spacing: -0.01em; }
h3 { font-size: 14px; margin: 0 0 6px; font-weight: 600; }
section { margin-top: 52px; } section:target > h2 { text-decoration: underline var(--c1) 2px; text-underline-offset: 6px; }
p { margin: 0 0 10px; }
a { color: var(--c1); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: 12px; top: -60px; background: var(--fg); color: var(--bg); padding: 8px 14px; border-radius: 6px; z-index: 3; }
.skip:focus { top: 10px; }
.muted, .empty, .note { color: var(--muted); }
.note { font-size: 13px; line-height: 1.5; max-width: 78ch; }
.note.after, .after { margin-top: 14px; } h3.table { margin: 28px 0 8px; } .scroll + .scroll, .scroll + table { margin-top: 22px; }
.eyebrow { color: var(--muted); font-size: 13px; margin: 0 0 8px; }
.status { font-weight: 600; color: var(--good); margin-right: 6px; } .status::before { content: "●"; font-size: 10px; margin-right: 6px; vertical-align: 1px; }
.status.interrupted, .status.running { color: var(--warn); } .status.diverged, .status.failed { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(5, 1fr); gap: 1px; margin-top: 24px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.cards div, figure, .sample, .warning, .notice { background: var(--card); }
figure, .sample, .warning, .notice { border: 1px solid var(--line); border-radius: 10px; }
.cards div { padding: 14px 18px 15px; min-width: 0; box-shadow: 1px 1px 0 0 var(--line); }
.cards span { display: block; color: var(--muted); font-size: 12.5px; }
.cards b { display: block; font-size: 21px; font-weight: 600; line-height: 1.3; letter-spacing: -0.015em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.facts { font-size: 13px; margin: 12px 2px 0; overflow-wrap: anywhere; } .facts > span { margin-right: 22px; }
.keys { list-style: none; margin: 14px 0 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 6px 24px; }
.keys li { display: flex; gap: 10px; align-items: baseline; overflow-wrap: anywhere; min-width: 0; } .keys svg { flex: none; width: 34px; height: 12px; } .keys .muted { font-size: 13px; }
.bars { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 26px 36px; } .bars .scroll { margin: 0; }
.notice, .warning { padding: 12px 18px; margin-top: 14px; border-left: 4px solid var(--warn); overflow-wrap: anywhere; }
.notice.diverged, .notice.failed { border-left-color: var(--bad); } .notice p, .warning p { margin: 0; } .notice p + p { margin-top: 4px; }
.contents { position: sticky; top: 0; z-index: 2; background: var(--bg); margin: 26px 0 -22px; border-bottom: 1px solid var(--line); overflow-x: auto; scrollbar-width: none; }
.contents ol { display: flex; gap: 4px; list-style: none; margin: 0; padding: 6px 2px; white-space: nowrap; font-size: 13.5px; }
.contents a { display: block; color: var(--muted); text-decoration: none; padding: 5px 10px; border-radius: 6px; } .contents li:first-child a { margin-left: -8px; }
.contents a:hover { color: var(--fg); background: var(--line); } .contents a:focus-visible { outline-offset: -2px; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; }
figure { margin: 0 0 14px; padding: 18px 20px 14px; min-width: 0; }
.charts figure { margin: 0; }
svg { display: block; width: 100%; height: auto; }
svg + svg { margin-top: 8px; }
svg text { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; } svg text.title { fill: var(--fg); font-weight: 600; } svg text.end { font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
svg path { fill: none; } .grid { stroke: var(--line); } .axis { stroke: var(--muted); stroke-opacity: 0.6; }
path.line { stroke-width: 1.8; stroke-linejoin: round; } path.faint { stroke-width: 1; stroke-opacity: 0.4; }
path.dots { stroke-width: 1.5; stroke-linejoin: round; } .ref { stroke: var(--muted); stroke-dasharray: 5 4; stroke-opacity: 0.7; }
.mark { stroke: var(--muted); stroke-dasharray: 1 3; stroke-width: 1.5; } svg path.pin { fill: var(--muted); } svg path.pin.own { fill: var(--c2); }
svg path.dot { stroke: var(--card); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 20px; margin: 0 0 10px; color: var(--muted); font-size: 13px; }
.legend i { display: inline-block; width: 16px; height: 3px; border-radius: 2px; margin-right: 7px; vertical-align: 4px;
  background: currentColor; } .legend i.faint { opacity: 0.45; }
.legend svg, td svg { display: inline-block; width: 34px; height: 12px; margin-right: 8px; vertical-align: -1px; }
.legend i.marks { width: 10px; height: 10px; border-radius: 50%; background: none; border: 1.6px solid; vertical-align: -1px; }
.legend i.pin { width: 0; height: 0; background: none; border: 4.5px solid transparent; border-bottom-width: 0; border-top: 8px solid; border-radius: 0; vertical-align: 1px; }
.legend i.mark { background: none; width: 0; height: 12px; border-left: 1.5px dotted; border-radius: 0; vertical-align: -1px; }
circle { fill: none; stroke-width: 1.6; }
path.cloud { stroke: var(--c1); stroke-width: 7; stroke-linecap: round; stroke-opacity: 0.45; } figure.square { width: min(560px, 100%); } .side > div { min-width: min(100%, 300px); }
td.muted { color: var(--muted); }
.samples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 14px; align-items: start; }
.sample { padding: 16px 20px; min-width: 0; } .sample + .sample { margin-top: 14px; } .samples .sample { margin: 0; }
.sample pre { max-height: 24em; overflow-y: auto; background: none; padding: 8px 12px; }
.sample p.part { margin: 8px 0 2px; color: var(--muted); font-size: 13px; } b.right { color: var(--good); } b.wrong { color: var(--bad); }
.sample p.which { font-size: 13px; font-weight: 600; margin: 0; } .sample p.note { margin: 0; }
.sample p.text { white-space: pre-wrap; margin: 8px 0; max-width: 78ch; max-height: 28em; overflow-y: auto; font: 15px/1.6 Georgia, "Noto Serif", "DejaVu Serif", serif; }
.side { display: flex; flex-wrap: wrap; gap: 0 56px; } table.confusion { width: auto; } table.confusion td, table.confusion th { padding: 8px 16px; max-width: 16em; overflow-wrap: anywhere; }
table.confusion td { text-align: right; border: 1px solid var(--line); }
table.confusion td.right { background: color-mix(in srgb, var(--c1) var(--share), transparent); }
table.confusion td.wrong { background: color-mix(in srgb, var(--c2) var(--share), transparent); }
table.confusion td small { display: block; font-size: 12.5px; }
.picks { display: flex; flex-wrap: wrap; gap: 6px 18px; float: right; margin: -4px 0 8px 18px; font-size: 13px; }
fieldset { display: flex; align-items: center; border: 1px solid var(--line); border-radius: 7px; padding: 2px; margin: 0; min-width: 0; }
legend { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
fieldset input { position: absolute; opacity: 0; } fieldset label { cursor: pointer; } fieldset span { display: block; color: var(--muted); padding: 1px 10px; border-radius: 5px; }
fieldset input:checked + span { color: var(--fg); background: var(--line); font-weight: 600; } fieldset input:focus-visible + span { outline: 2px solid var(--c1); outline-offset: 1px; }
.switch { position: relative; } .switch .view { display: none; clear: both; } ${VIEWS} { display: block; }
@supports not selector(:has(a)) { .switch .v-step-linear { display: block; } .picks { display: none; } }
.small { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; font-size: 14px; padding: 0 0 6px; }
th { text-align: left; color: var(--muted); font-weight: 500; font-size: 13px; }
td, th { padding: 7px 16px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; } tr > :last-child { padding-right: 0; }
td.n, th.n { text-align: right; white-space: nowrap; } td.w, th.w { white-space: nowrap; } tr.own td { font-weight: 600; }
td.best { font-weight: 650; } .star { color: var(--warn); font-weight: 400; } td.bar { width: 34%; min-width: 110px; vertical-align: middle; }
td.bar i { display: block; height: 10px; min-width: 1px; border-radius: 2px; background: var(--bar, var(--c1)); -webkit-print-color-adjust: exact; print-color-adjust: exact; }
table.pairs th { width: 190px; font-size: 14px; }
td:has(> code) { min-width: 150px; } td.key, td code, pre, .sample p { overflow-wrap: anywhere; }
code, pre { font: 12.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 18px; margin: 0; white-space: pre-wrap; }
pre.copy { -webkit-user-select: all; user-select: all; cursor: copy; } .origin, .default { color: var(--muted); }
details pre { white-space: pre; overflow-x: auto; }
mark { background: var(--mark); color: inherit; border-radius: 3px; }
tr.default td { color: var(--muted); }
details { margin-top: 14px; } summary { cursor: pointer; color: var(--muted); font-size: 14px; width: fit-content; } details[open] > summary { margin-bottom: 10px; }
footer { margin-top: 48px; color: var(--muted); font-size: 13px; }
@media (max-width: 900px) { .cards { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 640px) { main { padding: 24px 14px 48px; } h1 { font-size: 24px; } h2 { font-size: 18px; } section { margin-top: 42px; }
  .charts { grid-template-columns: 1fr; } .big { display: none; } .small { display: block; } figure { padding: 14px 12px 10px; }
  .cards { grid-template-columns: 1fr 1fr; } .cards div { padding: 11px 14px; } .cards b { font-size: 18px; }
  .facts > span { display: block; margin: 0 0 4px; }
  .charts svg text { font-size: 15px; } .small svg text { font-size: 13px; } td, th { padding-right: 12px; } table.pairs th { width: 108px; } .scroll td:first-child:not(.w) { min-width: 124px; } .scroll table.confusion th { min-width: 0; } .picks { float: none; margin: 0 0 10px; } }
@media print { :root { ${variables({ ...LIGHT, bg: '#ffffff', fg: '#000000', muted: '#4a4a4a', line: '#d5d5d5' }, LIGHT_SERIES)}; color-scheme: light; }
  @page { margin: 14mm; } body { font-size: 11pt; } main { max-width: none; padding: 0; } .skip, .contents, .picks { display: none; }
  section { margin-top: 26px; } .sample p.text, .sample pre { max-height: none; overflow: visible; } .scroll { overflow: visible; } details pre { white-space: pre-wrap; }
  figure, .cards, tr, .notice, .warning, .errors .sample { break-inside: avoid; } h2, h3, h3 + .note, caption, thead, summary { break-after: avoid; }
  #throughput, #samples, #data { break-before: page; } td.w { white-space: normal; overflow-wrap: anywhere; } .bars { grid-template-columns: 1fr 1fr; } mark, .cards { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .big { display: block; } .small { display: none; } .charts { grid-template-columns: 1fr 1fr; } .cards { grid-template-columns: repeat(5, 1fr); } .cards b { font-size: 14pt; }
  .print::details-content { content-visibility: visible; display: block; block-size: auto; } details:not([open]):not(.print) { display: none; } }
${FIGURE_STYLE}`.replaceAll('\n', '');
