// The page of a watched run: the report, a bar above it, and a script that puts in what the server sends.
//
//   server -> page   {"title", "bar", "age", "main"}   a server-sent event; "main" only when it is drawn anew
//
// The script changes those nodes alone that differ, so that scroll position, focus, selection, open <details> and chosen
// radio buttons stay as the reader has left them. Where the server goes away, the page says so and keeps what it has.

import { frame } from '../page.js';

/** What is shown at a moment beside the report. The bar is HTML in which every text is escaped. */
export interface View {
  readonly title: string;
  readonly bar: string;
  /** Seconds since the last event; null: there was none. */
  readonly age: number | null;
}

/** The whole page. The nonce is that of its Content-Security-Policy, which the server sends. */
export const livePage = ({ title, bar, age }: View, main: string, nonce: string): string =>
  frame(title, main, {
    head: `<link rel="icon" href="data:,">\n<style>${LIVE_STYLE}</style>`,
    above: `<div id="live" data-age="${age ?? ''}"><div id="bar">${bar}</div><p id="link" role="status"></p></div>\n`,
    below: `<script nonce="${nonce}">${SCRIPT}</script>\n`,
  });

const LIVE_STYLE = `
:root { --top: 41px; } html { scroll-padding-top: 64px; } svg { overflow-anchor: none; }
#live { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 0 20px;
  padding: 9px max(24px, calc(50% - 516px)) 7px; background: var(--card); color: var(--muted);
  border-bottom: 1px solid var(--line); font-size: 13.5px; font-variant-numeric: tabular-nums; }
#bar, #bar p { display: contents; } #live b { font-weight: 600; overflow-wrap: anywhere; }
#bar .done { position: absolute; top: 0; left: 0; height: 3px; background: var(--c1); }
#bar p > b { color: var(--c1); } #bar span b { color: var(--fg); }
#bar .finished { color: var(--c3); } #bar .interrupted, #bar .silent { color: var(--warn); }
#bar .diverged, #bar .failed, #bar .killed { color: var(--bad); }
#link { margin: 0 0 0 auto; } #link.lost { color: var(--bad); font-weight: 600; }
main .status.running, #live:has(.training) ~ main .notice.running { display: none; }
@media (max-width: 640px) { #live { padding: 9px 14px 7px; column-gap: 13px; } }
@media print { #live { display: none; } }`.replaceAll('\n', '');

const SILENT_LINK_MS = 60_000; // the server says something every few seconds

/** Runs in the browser. */
const SCRIPT = `
'use strict';
const element = (id) => document.getElementById(id);
const link = element('link');
let age = element('live').dataset.age;
let heard = performance.now();
let state = new Date();
let lost = false;

const key = (node) => node.nodeName + '#' + (node.id || '') + (/^H[1-6]$/.test(node.nodeName) ? node.textContent : '');

function become(old, now) {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
    return;
  }
  if (old.isEqualNode(now)) return;
  for (const { name } of [...old.attributes]) if (name !== 'open' && !now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) {
    if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  becomeInside(old, now);
}

// Children are the same ones along the longest common subsequence of their keys.
function becomeInside(old, now) {
  const [was, wanted] = [[...old.childNodes], [...now.childNodes]];
  const [a, b] = [was.map(key), wanted.map(key)];
  let [i, endA, endB] = [0, a.length, b.length];
  while (i < endA && i < endB && a[i] === b[i]) become(was[i], wanted[i++]);
  while (endA > i && endB > i && a[endA - 1] === b[endB - 1]) become(was[--endA], wanted[--endB]);
  const longest = Array.from({ length: endA + 1 }, () => new Uint32Array(endB + 1));
  for (let x = endA - 1; x >= i; x--) {
    for (let y = endB - 1; y >= i; y--) {
      longest[x][y] = a[x] === b[y] ? longest[x + 1][y + 1] + 1 : Math.max(longest[x + 1][y], longest[x][y + 1]);
    }
  }
  for (let j = i; i < endA || j < endB; ) {
    if (i < endA && j < endB && a[i] === b[j]) become(was[i++], wanted[j++]);
    else if (i < endA && (j === endB || longest[i + 1][j] >= longest[i][j + 1])) was[i++].remove();
    else old.insertBefore(wanted[j++], was[i] ?? null);
  }
}

function show(parent, html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  becomeInside(parent, template.content);
}

function ago(s) {
  if (s < 60) return Math.floor(s) + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min';
  return s < 172800 ? Math.floor(s / 3600) + ' h' : Math.floor(s / 86400) + ' days';
}

function tick() {
  const silent = performance.now() - heard;
  const gone = lost || silent > ${SILENT_LINK_MS};
  link.className = gone ? 'lost' : '';
  const text = gone
    ? 'watch ended, this is the state at ' + state.toTimeString().slice(0, 8)
    : age === '' ? '' : 'last event ' + ago(Number(age) + silent / 1000) + ' ago';
  if (link.textContent !== text) link.textContent = text;
}

const source = new EventSource(location.pathname.replace(/\\/?$/, '/events'));
source.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  heard = performance.now();
  state = new Date();
  lost = false;
  age = message.age ?? '';
  document.title = message.title;
  show(element('bar'), message.bar);
  if (message.main !== undefined) show(document.querySelector('main'), message.main);
  tick();
};
source.onerror = () => {
  lost = true;
  tick();
};
setInterval(tick, 1000);
tick();
`;
