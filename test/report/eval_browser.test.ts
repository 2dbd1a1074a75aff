// What a browser draws of an evaluation's report, at the widths of a desk and a phone, in light and dark. Needs Chromium;
// GPT_CHROMIUM names another binary.

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { figuresOf, type Panel } from '../../src/base/eval_figures.js';
import { evalReportHtml } from '../../src/report/eval/report.js';
import { workplace } from '../data/workplace.js';
import { fakeEval, fakeEvalOf, fakeGroupEval } from './fake_eval.js';

const chromium = [process.env['GPT_CHROMIUM'] ?? '', 'chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => name !== '' && spawnSync(name, ['--version']).status === 0,
);
const work = workplace();

interface Seen {
  readonly overflow: number; // pixels by which the page is wider than its window
  readonly background: string;
  readonly plots: readonly {
    readonly id: string;
    readonly grid: readonly { readonly y: number; readonly text: string }[];
    readonly ticks: readonly number[];
    readonly points: readonly { x: number; y: number; valueX: number; valueY: number; fill: string; name: string }[];
    readonly outside: readonly string[]; //  texts that leave the drawing
    readonly touching: readonly string[]; // texts below the axis that overlap
  }[];
}

/** Runs in the browser. */
const MEASURE = `
const frame = document.querySelector('iframe').contentWindow;
const page = frame.document;
const visible = [...page.querySelectorAll('svg[data-x]')].filter((svg) => svg.getBoundingClientRect().width > 0);
const round = (x) => Math.round(x * 1000) / 1000;
const plots = visible.map((svg) => {
  const box = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map((t) => ({ text: t.textContent, box: t.getBoundingClientRect() }));
  const bottom = svg.querySelector('.axis').getBoundingClientRect().top;
  const below = texts.filter((t) => t.box.top > bottom);
  return {
    id: svg.querySelector('title').id,
    grid: [...svg.querySelectorAll('.grid')].map((g) => ({ y: round(g.getBoundingClientRect().top), text: g.nextElementSibling.textContent })),
    ticks: [...svg.querySelectorAll('.tick')].map((t) => round(t.getBoundingClientRect().left)),
    points: [...svg.querySelectorAll('.pt')].map((p) => {
      const at = new DOMPoint(0, 0).matrixTransform(p.getScreenCTM());
      return { x: round(at.x), y: round(at.y), valueX: Number(p.dataset.x), valueY: Number(p.dataset.y),
        fill: frame.getComputedStyle(p).fill, name: p.parentNode.dataset.line };
    }),
    outside: texts.filter((t) => t.box.left < box.left - 1 || t.box.right > box.right + 1 || t.box.bottom > box.bottom + 1).map((t) => t.text),
    touching: below.filter((a) => below.some((b) => a !== b && a.box.left < b.box.right && b.box.left < a.box.right &&
      a.box.top + 3 < b.box.bottom && b.box.top + 3 < a.box.bottom)).map((t) => t.text),
  };
});
document.getElementById('out').textContent = JSON.stringify({ overflow: page.documentElement.scrollWidth - frame.innerWidth,
  background: frame.getComputedStyle(page.body).backgroundColor, plots });
`;

/** The page in a frame of this width, as the browser lays it out. */
function look(html: string, width: number, dark = false): Seen {
  const inner = html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const frame = `<iframe style="border:0;width:${width}px;height:900px" srcdoc="${inner}"></iframe>`;
  const file = work.file(
    'frame.html',
    `<meta charset="utf-8"><body>${frame}<pre id="out"></pre><script>onload = () => {${MEASURE}}</script></body>`,
  );
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--window-size=1400,1000',
    `--user-data-dir=${work.dir}/profile`,
  ];
  const scheme = dark ? ['--force-dark-mode'] : [];
  const run = spawnSync(chromium!, [...flags, ...scheme, '--dump-dom', `file://${file}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  const text = /<pre id="out">([^<]+)<\/pre>/.exec(run.stdout)?.[1];
  if (text === undefined) throw new Error(`chromium measured nothing: ${run.stderr.slice(-500)}`);
  return JSON.parse(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')) as Seen;
}

/** Points stand where the numbers beside the axis say, and above the ticks of their places. */
function expectInPlace({ grid, ticks, points }: Seen['plots'][number], panel: Panel): void {
  const [first, last] = [grid[0]!, grid.at(-1)!];
  const perPixel = (Number(last.text) - Number(first.text)) / (last.y - first.y);
  const drawn = points.map((p) => [p.name, p.valueX, p.valueY]);
  expect(drawn).toEqual(panel.lines.flatMap((l) => l.points.map((p) => [l.name, p.x, p.y])));
  for (const { x, y, valueX, valueY } of points) {
    const value = Number(first.text) + (y - first.y) * perPixel;
    expect(Math.abs(value - valueY)).toBeLessThan(1.5 * Math.abs(perPixel)); // pixels, of which a grid line is one wide
    const tick = panel.ticks.findIndex((t) => t.x === valueX);
    expect(Math.abs(ticks[tick]! - x)).toBeLessThan(1.5);
  }
}

describe.skipIf(chromium === undefined)(`report.html in a browser${chromium ? '' : ' (needs chromium)'}`, () => {
  const pages = [
    ['three models', fakeEval()],
    ['one model', fakeEvalOf(2)],
    ['a group', fakeGroupEval()],
  ] as const;

  for (const [name, record] of pages) {
    test.each([1280, 380])(`${name} at %d pixels: in place, inside, apart`, (width) => {
      const { overflow, plots } = look(evalReportHtml(record), width);
      expect(overflow).toBeLessThanOrEqual(0);
      const { by_shots, by_size } = figuresOf(record);
      const panels = [...by_shots, ...by_size];
      expect(plots.length).toBe(panels.length);
      for (const [i, plot] of plots.entries()) {
        expectInPlace(plot, panels[i]!);
        expect(plot.outside, plot.id).toEqual([]);
        expect(plot.touching, plot.id).toEqual([]);
      }
    });
  }

  test('dark is dark, and lines have a colour each', () => {
    const html = evalReportHtml(fakeEval());
    const [light, dark] = [look(html, 1280), look(html, 1280, true)];
    expect(light.background).toBe('rgb(248, 249, 251)');
    expect(dark.background).toBe('rgb(18, 21, 26)');
    for (const { plots } of [light, dark]) {
      const fills = new Set(plots[1]!.points.map((p) => `${p.name} ${p.fill}`));
      expect(fills.size).toBe(3);
      expect(new Set(plots[1]!.points.map((p) => p.fill)).size).toBe(3);
    }
    expect(light.plots[1]!.points[0]!.fill).not.toBe(dark.plots[1]!.points[0]!.fill);
  });
});
