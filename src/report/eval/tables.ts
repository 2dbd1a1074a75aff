// Tables of an evaluation: what each task came to at a glance, and every metric of every task with its baselines.

import type { Panel } from '../../base/eval_figures.js';
import type { Contamination, EvalRecord, TaskMetric, TaskRun } from '../../base/eval_record.js';
import { aboutChance, askedShots, distinct, outerTasks, shotsText } from '../../base/eval_scores.js';
import { integer, percent, plural } from '../../base/format.js';
import { briefText } from '../../base/task_result.js';
import { escapeHtml } from '../chart.js';
import { type Column, dataTable, type Row } from '../table.js';
import { examplesHtml } from './examples.js';

/** Headline metrics: a row per task and model, a column per setting of --shots. Means are the figures'. */
export function overview({ models, runs }: EvalRecord, panels: readonly Panel[]): string {
  const asked = askedShots(runs);
  const outer = outerRunsOf(runs);
  const protocols = distinct(runs.map((r) => r.protocol));
  const ofTasks = outer.flatMap((ofTask) => {
    const { alias, protocol } = ofTask[0]!;
    const name = protocols.length > 1 ? `${alias} (${protocol})` : alias;
    return models.flatMap((_, m): Line[] => {
      const own = ofTask.filter((r) => r.model === m);
      const headline = own[0]?.metrics[0];
      if (headline === undefined) return [];
      const found = asked.map((a) => own.find((r) => r.asked === a));
      const texts = found.map((r) => (r === undefined ? '-' : scoreText(r)));
      const quiet = found.flatMap((r, i) => (r !== undefined && aboutChance(r) ? [i] : []));
      return [{ name, metric: `${headline.metric} ${arrow(headline)}`, model: m, texts, quiet }];
    });
  });
  const ofMeans = protocols.flatMap((protocol) => {
    const panel = panels.find((p) => p.task === null && p.protocol === protocol);
    if (panel === undefined) return [];
    const points = panel.lines.filter((l) => l.role === 'mean').flatMap((l) => l.points);
    const name = protocols.length > 1 ? `${panel.title} (${protocol})` : panel.title;
    return models.map((_, m): Line => {
      const texts = asked.map((a) => {
        const point = points.find((p) => p.model === m && p.asked.split(', ').includes(a));
        return point === undefined ? '-' : briefText({ value: point.y, stderr: point.stderr });
      });
      return { name, metric: 'accuracy ↑', model: m, texts, quiet: [], own: true };
    });
  });
  const several = models.length > 1;
  const lines = [...ofTasks, ...ofMeans];
  const rows = lines.map(({ name, metric, model, texts, quiet, own = false }, i): Row => {
    const isFirst = lines[i - 1]?.name !== name;
    const before = [isFirst ? name : '', isFirst ? metric : '', ...(several ? [models[model]!.name] : [])];
    return { cells: [...before, ...texts], quiet: quiet.map((q) => before.length + q), own };
  });
  const outerRuns = outer.flat();
  const columns: Column[] = [
    whole('task'),
    whole('metric'),
    ...(several ? [whole('model')] : []),
    ...asked.map((a) =>
      numeric(
        shotsText(
          a,
          outerRuns.filter((r) => r.asked === a).map((r) => r.shots),
        ),
      ),
    ),
  ];
  const note = [
    lines.some(({ texts }) => texts.some((t) => t.includes('±'))) ? '± one standard error.' : '',
    lines.some(({ quiet }) => quiet.length > 0) ? `${ABOUT}: within two standard errors of a guess.` : '',
  ];
  return `<h2>Results</h2>
${dataTable(columns, rows)}
<p class="note after">${note.filter((n) => n !== '').join(' ')}</p>`;
}

/** A row of the overview: values of the settings of --shots, and the places of those that are set in grey. */
interface Line {
  readonly name: string;
  readonly metric: string;
  readonly model: number;
  readonly texts: readonly string[];
  readonly quiet: readonly number[];
  readonly own?: boolean;
}

/** The mark of a value that may be a guess. */
const ABOUT = '≈ chance';

function scoreText(run: TaskRun): string {
  const [headline] = run.metrics;
  if (headline === undefined) return '-';
  return `${valueText(headline)}${aboutChance(run) ? ` ${ABOUT}` : ''}`;
}

const arrow = ({ higher_is_better }: TaskMetric): string => (higher_is_better ? '↑' : '↓');

/** 0.527 ± 0.030; of large values four digits */
const valueText = ({ value, stderr }: TaskMetric): string => {
  if (Math.abs(value) < 10) return briefText({ value, stderr });
  const digits = (x: number) => String(Number(x.toPrecision(5)));
  return stderr === null ? digits(value) : `${digits(value)} ± ${String(Number(stderr.toPrecision(3)))}`;
};

/** A section per task; members of a group below it, folded where there are many. */
export function taskTables(record: EvalRecord): string {
  const all = tasksOf(record.runs);
  const sections = outerRunsOf(record.runs).map((ofTask) => {
    const below = membersOf(ofTask[0]!, all).map((member) => taskSection(record, member));
    const members =
      below.length > FOLDED
        ? `<details><summary>${below.length} tasks of ${escapeHtml(ofTask[0]!.alias)}</summary>\n${below.join('\n')}</details>`
        : below.join('\n');
    return `${taskSection(record, ofTask)}\n${members}`;
  });
  return `<h2>Tasks</h2>\n${sections.join('\n')}`;
}

const FOLDED = 6;

const tasksOf = (runs: readonly TaskRun[]): TaskRun[][] =>
  distinct(runs.map((r) => `${r.task}\n${r.protocol}`)).map((key) =>
    runs.filter((r) => `${r.task}\n${r.protocol}` === key),
  );

/** Tasks and groups that are in no group. */
function outerRunsOf(runs: readonly TaskRun[]): TaskRun[][] {
  const outer = outerTasks(runs);
  return tasksOf(runs).filter(([first]) => outer.includes(first!.task));
}

/** Tasks of a group, those of its groups too, in order of the record. */
function membersOf({ task, protocol }: TaskRun, all: readonly TaskRun[][]): TaskRun[][] {
  const found = new Set([task]);
  for (const name of found) {
    const group = all.find(([first]) => first!.task === name);
    for (const member of group?.[0]?.members ?? []) found.add(member); // a Set visits what is added meanwhile
  }
  found.delete(task);
  return all.filter(([first]) => found.has(first!.task) && first!.protocol === protocol);
}

function taskSection({ models }: EvalRecord, runs: readonly TaskRun[]): string {
  const first = runs[0]!;
  const several = models.length > 1;
  const contaminated = runs.some((r) => r.contamination !== null);
  const baselines = runs.some((r) => r.chance !== null || r.majority !== null);
  const columns: Column[] = [
    ...(several ? [whole('model')] : []),
    whole('shots'),
    whole('metric'),
    ...['value ± stderr', ...(baselines ? ['chance', 'majority'] : []), 'n', 'truncated'].map(numeric),
    ...(contaminated ? ['n-gram', 'dirty', 'clean', 'clean - all'].map(numeric) : []),
  ];
  const rows = runs.flatMap((run, r) =>
    run.metrics.map((metric, m): Row => {
      const isNewModel = m === 0 && run.model !== runs[r - 1]?.model;
      const own = m === 0;
      return {
        cells: [
          ...(several ? [isNewModel ? models[run.model]!.name : ''] : []),
          own ? shotsText(run.asked, [run.shots]) : '',
          `${metric.filter === 'none' ? metric.metric : `${metric.metric}, ${metric.filter}`} ${arrow(metric)}`,
          `${tableText(metric)}${own && aboutChance(run) ? ` ${ABOUT}` : ''}`,
          ...(baselines ? [run.chance, run.majority].map((x) => (own && x !== null ? x.toFixed(4) : '')) : []),
          own ? integer(run.docs) : '',
          own ? integer(run.truncated) : '',
          ...(contaminated ? contaminationCells(own ? run.contamination : null, run) : []),
        ],
        quiet: own && aboutChance(run) ? [several ? 3 : 2] : [],
      };
    }),
  );
  const facts = [
    `${first.protocol} protocol`,
    `version ${first.version}`,
    first.docs === first.docs_of
      ? plural(first.docs, 'document')
      : `${integer(first.docs)} of ${plural(first.docs_of, 'document')}`,
    first.members === null ? '' : `group of ${first.members.join(', ')}`,
  ];
  return `<h3 class="table">${escapeHtml(first.alias)}</h3>
<p class="note">${escapeHtml(facts.filter((f) => f !== '').join(' · '))}</p>
${dataTable(columns, rows)}
${examplesHtml(models, runs)}`;
}

const numeric = (name: string): Column => ({ name, numeric: true });
const whole = (name: string): Column => ({ name, whole: true });

/** Four decimals, as the harness prints them. */
const tableText = ({ value, stderr }: TaskMetric): string =>
  stderr === null ? value.toFixed(4) : `${value.toFixed(4)} ± ${stderr.toFixed(4)}`;

function contaminationCells(contamination: Contamination | null, { docs, metrics }: TaskRun): string[] {
  if (contamination === null) return ['', '', '', ''];
  const { n, dirty, clean_value: clean } = contamination;
  const all = metrics[0]?.value;
  const difference = clean === null || all === undefined ? '-' : signed(clean - all);
  const share = docs > 0 ? ` (${percent(dirty / docs)})` : '';
  return [integer(n), `${integer(dirty)}${share}`, clean === null ? '-' : clean.toFixed(4), difference];
}

const signed = (x: number): string => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`;
