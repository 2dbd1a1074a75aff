// The page of several runs, drawn from compare.ts's numbers: a colour, a dash and a marker per run, the same everywhere.

import { bytes, count, duration, integer, plural } from '../../base/format.js';
import { metricText } from '../../base/task_result.js';
import { escapeHtml, lineChart, type Series, swatch } from '../chart.js';
import { lookOf } from '../eval/look.js';
import { short, tick } from '../numbers.js';
import { page } from '../page.js';
import { sample } from '../sections/samples.js';
import { assembled, type Part } from '../sections/section.js';
import { switched } from '../switch.js';
import { type Column, dataTable } from '../table.js';
import { stepText, timeUnit, type XAxis, xAxes } from '../x_axes.js';
import { bySize } from './by_size.js';
import { type Comparison, type CurvePoint, longestOf, type Measure } from './compare.js';

/** The whole page. */
export function compareHtml(comparison: Comparison): string {
  const { runs } = comparison;
  const title = `Comparison of ${plural(runs.length, 'run')}`;
  const sections = [results, course, speed, tasks, differences, samples, commands];
  const body = assembled(
    header(title, comparison),
    sections.map((section) => section(comparison)),
  );
  return page(runs.length > 3 ? title : runs.map((r) => r.name).join(', '), body);
}

/** Colour and marker as eval/look.ts; the dash moves on where the colours begin again. */
function look(run: number): Pick<Series, 'color' | 'dash' | 'marker'> {
  const { marker } = lookOf(run);
  const { dash } = lookOf((run + Math.floor(run / 6)) % 6);
  return { color: `var(--s${(run % 6) + 1})`, dash, marker };
}

const key = (run: number): string => swatch(look(run));

function header(title: string, { runs, notes }: Comparison): string {
  const names = runs.map(({ name, model }, i) => {
    const what = model === '' ? '' : ` <span class="muted">${escapeHtml(model)}</span>`;
    return `<li>${key(i)}<span><b>${escapeHtml(name)}</b>${what}</span></li>`;
  });
  const warnings = notes.map((note) => `<div class="warning"><p>${escapeHtml(note)}</p></div>`);
  return `<header>
<p class="eyebrow">Several runs</p>
<h1>${escapeHtml(title)}</h1>
<ul class="keys">${names.join('')}</ul>
${warnings.join('')}</header>`;
}

const FORMATS: Readonly<Record<Measure['unit'], (value: number) => string>> = {
  loss: (v) => v.toFixed(4),
  perplexity: short,
  bits: (v) => v.toFixed(3),
  metric: metricText,
  count,
  seconds: duration,
  bytes,
};

/** Runs whose value is the best of a column; none where there is nothing to choose. */
function bestOf({ values, better }: Measure): number[] {
  const known = values.filter((v) => v !== null);
  if (better === null || new Set(known).size < 2) return [];
  const best = better === 'lower' ? Math.min(...known) : Math.max(...known);
  return values.flatMap((v, i) => (v === best ? [i] : []));
}

function results(comparison: Comparison): Part {
  const { runs, measures } = comparison;
  const columns: Column[] = [{ name: 'run', whole: true }, ...measures.map(({ name }) => ({ name, numeric: true }))];
  const best = measures.map(bestOf);
  const rows = runs.map(({ name }, i) => ({
    cells: [name, ...measures.map((m) => (m.values[i] == null ? '-' : FORMATS[m.unit](m.values[i])))],
    best: best.flatMap((winners, column) => (winners.includes(i) ? [column + 1] : [])),
  }));
  const isTask = measures.some((m) => m.unit === 'metric');
  const what = isTask ? 'of the best checkpoint' : 'of the last validation';
  return {
    id: 'results',
    title: 'Results',
    html: `${dataTable(columns, rows, { key })}
<p class="note after"><span class="star">★</span> the best of its column. Losses are ${what}; tokens per second: the median.</p>
${overSeeds(comparison)}`,
  };
}

function overSeeds({ runs, seeds, measures }: Comparison): string {
  const names = [...new Set(seeds.flatMap((s) => s.means.map((m) => m.name)))];
  if (names.length === 0) return '';
  const columns = [
    { name: 'runs' },
    { name: 'seeds', numeric: true },
    ...names.map((name) => ({ name, numeric: true })),
  ];
  const rows = seeds.map((group) => ({
    cells: [
      group.runs.map((i) => runs[i]!.name).join(', '),
      integer(group.runs.length),
      ...names.map((name) => {
        const found = group.means.find((m) => m.name === name);
        const format = FORMATS[measures.find((m) => m.name === name)!.unit];
        if (found === undefined) return '-';
        return group.runs.length > 1 ? `${format(found.mean)} ± ${format(found.deviation)}` : format(found.mean);
      }),
    ],
  }));
  return `<h3 class="table">Over seeds</h3>
${dataTable(columns, rows)}
<p class="note after">Mean ± standard deviation of runs that differ in train.seed alone.</p>`;
}

function course({ runs, curves }: Comparison): Part | null {
  if (curves.length === 0) return null;
  const longest = longestOf(curves);
  const size = timeUnit(longest)[1];
  const at = (axis: XAxis, p: CurvePoint) => (axis.id === 'time' ? p.seconds / size : p[axis.id]);
  const keys = runs.map(({ name }, i) => `<span>${key(i)}${escapeHtml(name)}</span>`);
  const figure = switched(
    'loss-figure',
    xAxes([], longest),
    `<p class="legend">${keys.join('')}</p>`,
    ({ axis, log, width }) => {
      const all = curves.flatMap((c) => c.runs.flat().map((p) => at(axis, p)));
      const [low, high] = all.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)] as const, [
        all[0]!,
        all[0]!,
      ] as const);
      const charts = curves.map((c, i) => {
        const series = c.runs.map((points, run): Series => {
          const { marker = '', ...rest } = look(run);
          const common = { ...rest, name: runs[run]!.name, points: points.map((p) => [at(axis, p), p.value] as const) };
          return c.measured ? { ...common, marker, style: 'dots' } : common;
        });
        const isLast = i === curves.length - 1;
        return lineChart(series, {
          label: `${c.title} by ${axis.name}`,
          title: c.title,
          x: isLast ? (log ? `${axis.label} (logarithmic)` : axis.label) : '',
          width,
          height: width > 600 ? 320 : 260,
          xLog: log,
          xFraction: axis.fraction,
          xRange: [low, high],
          formatX: axis.format,
          formatY: tick,
          endLabels: width > 600,
        });
      });
      return charts.join('');
    },
  );
  return {
    id: 'curves',
    title: 'Curves',
    html: `${figure}
<p class="note after">Time is that of training alone, without validations and saves.</p>
${curveTable(runs, curves)}`,
  };
}

/** The validations, or what else was measured at some steps. */
function curveTable(runs: Comparison['runs'], curves: Comparison['curves']): string {
  const tables = curves
    .filter((c) => c.measured)
    .map((c) => {
      const steps = [...new Set(c.runs.flat().map((p) => p.step))].sort((a, b) => a - b);
      const columns = [{ name: 'step', numeric: true }, ...runs.map(({ name }) => ({ name, numeric: true }))];
      const valueAt = (points: readonly CurvePoint[], step: number) =>
        points.find((p) => p.step === step)?.value.toFixed(4) ?? '';
      const rows = steps.map((step) => ({ cells: [integer(step), ...c.runs.map((points) => valueAt(points, step))] }));
      return dataTable(columns, rows, { caption: c.title });
    });
  return tables.length === 0
    ? ''
    : `<details><summary>The measured points as a table</summary>\n${tables.join('\n')}</details>`;
}

const SPEED = ['tokens per second', 'training time', 'peak memory'];

function speed({ runs, measures }: Comparison): Part | null {
  const bars = measures
    .filter((m) => SPEED.includes(m.name))
    .map((m) => {
      const most = Math.max(...m.values.map((v) => v ?? 0));
      const rows = m.values.map((v, i) => ({
        color: look(i).color,
        cells: [runs[i]!.name, String(v === null || most === 0 ? 0 : v / most), v === null ? '-' : FORMATS[m.unit](v)],
      }));
      const columns = [
        { name: 'run', whole: true },
        { name: '', bar: true },
        { name: m.name, numeric: true },
      ];
      return dataTable(columns, rows, { caption: m.name, key });
    });
  if (bars.length === 0) return null;
  return { id: 'throughput', title: 'Throughput and memory', html: `<div class="bars">${bars.join('\n')}</div>` };
}

function tasks(comparison: Comparison): Part | null {
  const { runs, tasks: list } = comparison;
  if (list.length === 0) return null;
  const columns: Column[] = [
    { name: 'task', whole: true },
    { name: 'shots', numeric: true },
    { name: 'metric' },
    ...runs.map(({ name }) => ({ name, numeric: true })),
    { name: 'chance', numeric: true },
  ];
  const rows = list.map(({ task, shots, metric, values, chance }) => ({
    cells: [
      task,
      shots,
      metric,
      ...values.map((v) =>
        v === null ? '-' : `${short(v.value)}${v.stderr === null ? '' : ` ± ${v.stderr.toPrecision(2)}`}`,
      ),
      chance === null ? '-' : short(chance),
    ],
  }));
  return {
    id: 'tasks',
    title: 'Tasks in context',
    html: `${bySize(comparison)}${dataTable(columns, rows)}
<p class="note after">As last measured in each training. ± one standard error.</p>`,
  };
}

function differences({ runs, differences: list }: Comparison): Part {
  const columns: Column[] = [{ name: 'key', code: true }, ...runs.map(({ name }) => ({ name }))];
  const rows = list.map(({ key: name, values }) => ({
    cells: [name, ...values.map((v) => v ?? '-')],
    quiet: values.flatMap((v, i) => (v === null ? [i + 1] : [])),
  }));
  const html =
    rows.length === 0
      ? '<p>Configuration, data and machine are the same in all runs.</p>'
      : `${dataTable(columns, rows)}\n<p class="note after">All other settings are the same in all runs.</p>`;
  return { id: 'differences', title: 'What differs', html };
}

function samples({ runs }: Comparison): Part | null {
  const prompts = [...new Set(runs.flatMap((r) => r.samples.map((s) => s.prompt)))];
  if (prompts.length === 0) return null;
  const groups = prompts.map((prompt) => {
    const title = prompt.trim() === '' ? 'Without a prompt' : `“${prompt}”`;
    const cards = runs.flatMap(({ name, samples: list }) =>
      list
        .filter((s) => s.prompt === prompt)
        .map((s) =>
          sample(s, `${name} · ${stepText(s.step)} · temperature ${s.temperature} · top-k ${s.top_k} · seed ${s.seed}`),
        ),
    );
    return `<h3 class="table">${escapeHtml(title)}</h3>\n<div class="samples">${cards.join('\n')}</div>`;
  });
  return { id: 'samples', title: 'Samples', html: groups.join('\n') };
}

function commands({ runs }: Comparison): Part {
  const columns: Column[] = [
    { name: 'run', whole: true },
    { name: 'status', whole: true },
    { name: 'command', code: true },
    { name: 'folder' },
  ];
  const rows = runs.map(({ name, status, command, dir }) => ({ cells: [name, status, command, dir] }));
  return { id: 'commands', title: 'Commands', html: dataTable(columns, rows, { key }) };
}
