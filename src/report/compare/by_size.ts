// Accuracy by number of parameters (GPT-3, figure 1.3), of tasks that were measured while the runs trained: the mean over
// the tasks that all runs have, a line per number of shots.

import type { Line, Panel } from '../../base/eval_figures.js';
import { isShare } from '../../base/eval_scores.js';
import { count } from '../../base/format.js';
import { plot } from '../eval/plot.js';
import type { Comparison } from './compare.js';

/** '' where all runs have the same size, or share no task that has an accuracy. */
export function bySize({ runs, measures, tasks }: Comparison): string {
  const sizes = measures.find((m) => m.name === 'parameters')?.values ?? [];
  if (new Set(sizes).size < 2 || sizes.some((size) => size === null)) return '';
  const common = tasks.filter(({ metric, values }) =>
    values.every((v) => v !== null && isShare({ metric, ...v, filter: 'none', higher_is_better: true })),
  );
  const shots = [...new Set(common.map((t) => t.shots))];
  const names = [...new Set(common.map((t) => t.task))].filter((task) =>
    shots.every((s) => common.some((t) => t.task === task && t.shots === s)),
  );
  if (names.length === 0) return '';
  const lines = shots.map((asked, style): Line => {
    const measured = common.filter((t) => t.shots === asked && names.includes(t.task));
    const points = runs.map((_, model) => {
      const found = measured.map((t) => t.values[model]!);
      const mean = found.reduce((sum, v) => sum + v.value, 0) / found.length;
      const squares = found.reduce((sum, v) => sum + (v.stderr ?? 0) ** 2, 0);
      const stderr = found.some((v) => v.stderr === null) ? null : Math.sqrt(squares) / found.length;
      return { x: sizes[model]!, y: mean, stderr, model, asked, k: [0, 0] as const };
    });
    return { name: `${asked} shots`, role: 'mean', style, points: points.sort((a, b) => a.x - b.x) };
  });
  const ticks = runs.map(({ name }, i) => ({ x: sizes[i]!, label: count(sizes[i]!), detail: name }));
  const panel: Panel = {
    title: names.length === 1 ? names[0]! : `mean of ${names.length} tasks`,
    task: null,
    tasks: names,
    left_out: [],
    protocol: 'gpt3',
    metric: 'accuracy',
    share: true,
    higher_is_better: true,
    x: 'parameters',
    ticks: ticks.sort((a, b) => a.x - b.x),
    chance: null,
    lines,
  };
  const draw = (id: string, width: number) =>
    plot(panel, { id: `size-${id}`, width, height: 300, endLabels: width > 600 });
  return `<figure><h3>Accuracy by model size</h3>
<div class="big">${draw('big', 1000)}</div><div class="small">${draw('small', 400)}</div>
</figure>`;
}
