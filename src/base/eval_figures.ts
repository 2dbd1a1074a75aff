// The points of an evaluation's figures, derived once: report.html and the terminal draw them, report.json holds them.
//
//   by_shots   accuracy by number of demonstrations K (GPT-3, figure 1.2): a line per model
//   by_size    accuracy by number of parameters (figure 1.3): a line per setting of --shots
//
// A panel is one set of axes: the mean over tasks first, where there are several, then each task.
//
// K of "few" is another one for each task and context length. A task's own panel therefore has the K of each point on its
// axis. A mean over tasks has it only where every task had the same K; else its axis is what was asked for (0, 1, few),
// evenly spaced, and each tick tells the range of K.
//
// A mean is over the same tasks at every point: tasks that were not measured everywhere are left out and named. Its
// standard error is sqrt(sum of squares) / T, that of T independent tasks. A group counts as one task; where all there is
// is one group, its members count.

import type { EvalModel, EvalRecord, TaskMetric, TaskRun } from './eval_record.js';
import { askedShots, distinct, isShare, outerTasks, rangeText, shotsText } from './eval_scores.js';
import { count } from './format.js';

export interface EvalFigures {
  readonly by_shots: readonly Panel[];
  readonly by_size: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  readonly task: string | null; //         null: the mean over `tasks`
  readonly tasks: readonly string[];
  readonly left_out: readonly string[]; // of the mean: tasks that were not measured at all its points
  readonly protocol: TaskRun['protocol'];
  readonly metric: string; //              of a mean: the metrics of its tasks
  readonly share: boolean; //              within [0, 1]
  readonly higher_is_better: boolean;
  readonly x: 'shots' | 'asked' | 'parameters';
  readonly ticks: readonly Tick[];
  readonly chance: number | null;
  readonly lines: readonly Line[];
}

/** x: K, or the place of a setting of --shots, or the number of parameters. */
export interface Tick {
  readonly x: number;
  readonly label: string;
  readonly detail: string; // a second line: range of K, name of the model; '' where the label says all
}

export interface Line {
  readonly name: string;
  /** mean: over tasks; task: one of the thin lines behind it; single: of a task's own panel. */
  readonly role: 'mean' | 'task' | 'single';
  /** Lines of one colour and marker, from 0, the same in all panels of a figure; null: the text's colour. */
  readonly style: number | null;
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly stderr: number | null;
  readonly model: number; //                 index into the record's models
  readonly asked: string; //                 --shots; several that came to the same K: "0, few"
  readonly k: readonly [number, number]; //  fewest and most demonstrations
}

/** accuracy, mean of 4 tasks, by number of shots */
export const panelTitle = ({ task, title, metric, x }: Panel): string =>
  `${task === null ? `accuracy, ${title}` : `${title}, ${metric}`}, by ${x === 'parameters' ? 'model size' : 'number of shots'}`;

/** Where an x stands on its axis: log2(1 + K), so that 0 has a place; the place of a setting; log10 of the parameters. */
export const X_UNITS: Readonly<Record<Panel['x'], (x: number) => number>> = {
  shots: (k) => Math.log2(1 + k),
  asked: (place) => place,
  parameters: Math.log10,
};

/** Both figures. A figure without panels has nothing to show: one setting of --shots, or one size of model. */
export function figuresOf(record: EvalRecord): EvalFigures {
  const protocols = distinct(record.runs.map((r) => r.protocol));
  const each = protocols.map((protocol) => {
    const runs = record.runs.filter((r) => r.protocol === protocol);
    const units = unitsOf(runs);
    return { protocol, units, models: record.models, asked: askedShots(runs) };
  });
  return {
    by_shots: each.flatMap((e) => panelsOf(e, 'shots')),
    by_size: each.flatMap((e) => panelsOf(e, 'parameters')),
  };
}

/** What is drawn of one protocol. */
interface Scope {
  readonly protocol: TaskRun['protocol'];
  readonly units: readonly Unit[];
  readonly models: readonly EvalModel[];
  readonly asked: readonly string[];
}

/** A task, or a group that stands for its members, with one metric under all models and shots. */
interface Unit {
  readonly task: string;
  readonly alias: string;
  readonly metric: string;
  readonly share: boolean;
  readonly higher_is_better: boolean;
  readonly chance: number | null;
  readonly scores: readonly Score[];
}

interface Score {
  readonly model: number;
  readonly asked: string;
  readonly k: readonly [number, number];
  readonly y: number;
  readonly stderr: number | null;
}

function unitsOf(runs: readonly TaskRun[]): Unit[] {
  let tasks = outerTasks(runs);
  for (;;) {
    const only = tasks.length === 1 ? runs.find((r) => r.task === tasks[0]) : undefined;
    const members = only?.members?.filter((task) => runs.some((r) => r.task === task)) ?? [];
    if (members.length === 0) break;
    tasks = [...members];
  }
  return tasks.flatMap((task) => unitOf(runs.filter((r) => r.task === task)));
}

/** The first metric that is a share, else the headline. */
function unitOf(runs: readonly TaskRun[]): Unit[] {
  const chosen = runs[0]?.metrics.find(isShare) ?? runs[0]?.metrics[0];
  if (runs[0] === undefined || chosen === undefined) return [];
  const same = (m: TaskMetric) => m.metric === chosen.metric && m.filter === chosen.filter;
  const scores = runs.flatMap(({ model, asked, shots, metrics }): Score[] => {
    const found = metrics.find(same);
    if (found === undefined || !Number.isFinite(found.value)) return [];
    const stderr = found.stderr !== null && Number.isFinite(found.stderr) ? found.stderr : null;
    return [{ model, asked, k: [shots, shots], y: found.value, stderr }];
  });
  const { task, alias, metrics } = runs[0];
  const isHeadline = metrics[0] !== undefined && same(metrics[0]);
  const chance = isHeadline ? (runs.find((r) => r.chance !== null)?.chance ?? null) : null;
  const { metric, higher_is_better } = chosen;
  return [{ task, alias, metric, share: isShare(chosen), higher_is_better, chance, scores }];
}

// ---- panels

type Axis = 'shots' | 'parameters';

function panelsOf(scope: Scope, axis: Axis): Panel[] {
  const means = meanPanel(scope, axis);
  return [...means, ...scope.units.map((unit, i) => unitPanel(scope, unit, i, axis))].filter(isCurve);
}

/** Some line goes from one place to another. */
const isCurve = ({ lines }: Panel): boolean => lines.some((l) => distinct(l.points.map((p) => p.x)).length > 1);

function unitPanel(scope: Scope, unit: Unit, place: number, axis: Axis): Panel {
  const { models, protocol } = scope;
  const lines = linesOf(scope, unit.scores, axis).map(
    ({ name, style, scores }): Line => ({
      name,
      role: 'single',
      style: axis === 'shots' && models.length === 1 ? place : style,
      points: pointsOf(scores, (s) => (axis === 'shots' ? s.k[0] : models[s.model]!.parameters)),
    }),
  );
  const { task, alias, metric, share, higher_is_better, chance } = unit;
  return {
    title: alias,
    task,
    tasks: [task],
    left_out: [],
    protocol,
    metric,
    share,
    higher_is_better,
    x: axis,
    ticks: ticksOf(scope, axis, lines),
    chance,
    lines,
  };
}

/** None where there are fewer than two tasks with a share, or nothing that they have in common. */
function meanPanel(scope: Scope, axis: Axis): Panel[] {
  const { models, protocol } = scope;
  const shares = scope.units.filter((u) => u.share && u.scores.length > 0);
  const { units, cells } = common(shares);
  if (units.length < 2 || cells.length === 0) return [];
  const isIn = ({ model, asked }: Cell) => cells.some((cell) => cell.model === model && cell.asked === asked);
  const scores = units.map((unit) => unit.scores.filter(isIn));
  const means = cells.map((cell) => meanOf(cell, scores.flat()));
  const labels = scope.asked.filter((asked) => cells.some((cell) => cell.asked === asked));
  const kOf = (asked: string) => means.filter((m) => m.asked === asked).flatMap((m) => m.k);
  const oneK = labels.every((asked) => distinct(kOf(asked)).length === 1);
  const x = axis === 'parameters' ? axis : oneK ? 'shots' : 'asked';
  const at = (s: Score) =>
    x === 'parameters' ? models[s.model]!.parameters : x === 'shots' ? s.k[0] : labels.indexOf(s.asked);
  // the lines of one model are told apart by task, all others by model or --shots, their tasks being alike
  const byTask = axis === 'shots' && models.length === 1;
  const thin = units.flatMap((unit, u) =>
    linesOf(scope, scores[u]!, axis).map(
      (line): Line => ({
        name: byTask ? unit.alias : `${unit.alias}, ${line.name}`,
        role: 'task',
        style: byTask ? scope.units.indexOf(unit) : line.style,
        points: pointsOf(line.scores, at),
      }),
    ),
  );
  const bold = linesOf(scope, means, axis).map(
    (line): Line => ({
      name: byTask ? 'mean' : line.name,
      role: 'mean',
      style: byTask ? null : line.style,
      points: pointsOf(line.scores, at),
    }),
  );
  const lines = [...thin, ...bold];
  const chances = units.flatMap((u) => u.chance ?? []);
  return [
    {
      title: `mean of ${units.length} tasks`,
      task: null,
      tasks: units.map((u) => u.task),
      left_out: shares.filter((u) => !units.includes(u)).map((u) => u.task),
      protocol,
      metric: distinct(units.map((u) => u.metric)).join(', '),
      share: true,
      higher_is_better: true,
      x,
      ticks: ticksOf({ ...scope, asked: labels }, x, lines),
      chance: chances.length === units.length ? mean(chances) : null,
      lines,
    },
  ];
}

interface Cell {
  readonly model: number;
  readonly asked: string;
}

/** Tasks that were measured under all models and shots; where fewer than two were, all tasks where all were measured. */
function common(units: readonly Unit[]): { units: readonly Unit[]; cells: Cell[] } {
  const keys = (unit: Unit) => new Set(unit.scores.map((s) => `${s.model} ${s.asked}`));
  const all = new Map(
    units.flatMap((u) => u.scores.map(({ model, asked }) => [`${model} ${asked}`, { model, asked }])),
  );
  const whole = units.filter((unit) => keys(unit).size === all.size);
  if (whole.length > 1) return { units: whole, cells: [...all.values()] };
  const shared = [...all].filter(([key]) => units.every((unit) => keys(unit).has(key)));
  return { units, cells: shared.map(([, cell]) => cell) };
}

function meanOf({ model, asked }: Cell, all: readonly Score[]): Score {
  const scores = all.filter((s) => s.model === model && s.asked === asked);
  const errors = scores.flatMap((s) => s.stderr ?? []);
  const squares = errors.reduce((sum, e) => sum + e * e, 0);
  const ks = scores.flatMap((s) => s.k);
  return {
    model,
    asked,
    k: [Math.min(...ks), Math.max(...ks)],
    y: mean(scores.map((s) => s.y)),
    stderr: errors.length === scores.length ? Math.sqrt(squares) / scores.length : null,
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Scores by model (along shots) or by setting of --shots (along size), with name and style of each. */
function linesOf(
  { models, asked }: Scope,
  scores: readonly Score[],
  axis: Axis,
): { name: string; style: number; scores: Score[] }[] {
  const lines =
    axis === 'shots'
      ? models.map((model, m) => ({ name: model.name, scores: scores.filter((s) => s.model === m) }))
      : asked.map((a) => {
          const ofSetting = scores.filter((s) => s.asked === a);
          const ks = ofSetting.flatMap((s) => s.k);
          return { name: shotsText(a, ks), scores: ofSetting };
        });
  return lines.map((line, style) => ({ ...line, style })).filter((line) => line.scores.length > 0);
}

/** From left to right. Settings of one model that came to the same place are one point. */
function pointsOf(scores: readonly Score[], at: (score: Score) => number): Point[] {
  const points = new Map<string, Point>();
  for (const score of scores) {
    const key = `${score.model} ${at(score)}`;
    const before = points.get(key);
    if (before) points.set(key, { ...before, asked: `${before.asked}, ${score.asked}` });
    else points.set(key, { x: at(score), ...score });
  }
  return [...points.values()].sort((a, b) => a.x - b.x);
}

function ticksOf({ models, asked }: Scope, x: Panel['x'], lines: readonly Line[]): Tick[] {
  const points = lines.flatMap((l) => l.points);
  const places = distinct(points.map((p) => p.x)).sort((a, b) => a - b);
  return places.map((place) => {
    const here = points.filter((p) => p.x === place);
    if (x === 'parameters') {
      const names = distinct(here.map((p) => models[p.model]!.name));
      return { x: place, label: count(place), detail: names.join(', ') };
    }
    const ks = here.flatMap((p) => p.k);
    if (x === 'asked') {
      const label = asked[place]!;
      return { x: place, label, detail: ks.every((k) => String(k) === label) ? '' : `K ${rangeText(ks)}` };
    }
    const words = distinct(here.flatMap((p) => p.asked.split(', '))).filter((a) => !/^\d+$/.test(a));
    return { x: place, label: String(place), detail: words.join(', ') };
  });
}
