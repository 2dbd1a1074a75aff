// Task files and folders of them: what is found by name, includes, groups, tags, and errors.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/base/errors.js';
import { Catalogue, type Loaded, type LoadedGroup, tasksOf } from '../../../src/eval/harness/catalogue.js';
import { loadTaskFile, taskConfig } from '../../../src/eval/harness/task_file.js';
import { workplace } from '../../data/workplace.js';

const fixtures = fileURLToPath(new URL('fixtures/tasks', import.meta.url));
const { dir, file } = workplace();
const names = (items: readonly Loaded[]) => items.map(({ name }) => name);

function error(f: () => unknown): ConfigError {
  try {
    f();
  } catch (caught) {
    expect(caught).toBeInstanceOf(ConfigError);
    return caught as ConfigError;
  }
  throw new Error('nothing was thrown');
}

describe('a folder', () => {
  const catalogue = new Catalogue([fixtures]);

  it('lists tasks, groups and tags', () => {
    expect(catalogue.find('colours')).toEqual({
      ...{ name: 'colours', kind: 'task', file: path.join(fixtures, 'colours.yaml'), tasks: [] },
    });
    expect(catalogue.find('made_group')).toMatchObject({ kind: 'group', file: path.join(fixtures, 'group.yaml') });
    expect(catalogue.find('made_nested')).toMatchObject({ kind: 'group' });
    // a tag of an included file counts, unless the file has its own
    expect(catalogue.find('made')?.tasks).toEqual([
      'colours',
      'colours_delimited',
      'samples',
      'samples_excluded',
      'zero_only',
    ]);
    expect(catalogue.find('made_colours')?.tasks).toEqual(['colours', 'colours_first', 'zero_only']);
    expect(catalogue.find('never')).toBeUndefined();
    expect(catalogue.names).not.toContain('_colours');
  });

  it('finds names, tags and patterns', () => {
    expect(names(catalogue.load(['rolling', 'colours', 'rolling']))).toEqual(['rolling', 'colours']);
    expect(names(catalogue.load(['made_colours']))).toEqual(['colours', 'colours_first', 'zero_only']);
    expect(names(catalogue.load(['colours_*']))).toEqual(['colours_delimited', 'colours_first', 'colours_yaml11']);
    expect(names(catalogue.load(['colou?s', 'itse[kl]f', '[!a-q]olling']))).toEqual(['colours', 'itself', 'rolling']);
    expect(names(catalogue.load(['*'])).filter((name) => /itself$|made|overrides/.test(name))).toEqual(['made_group']);
  });

  it('builds groups, their members overridden', () => {
    const [group] = catalogue.load(['made_group']) as [LoadedGroup];
    expect(names(group.members)).toEqual([
      'colours',
      'colours_first',
      'made_group::inner',
      'made_nested',
      'made_group::inline',
    ]);
    expect(names(tasksOf(group))).toEqual([
      ...['colours', 'colours_first', 'samples', 'itself', 'overrides', 'text_labels', 'made_group::inline'],
    ]);
    const [colours, first, , , overrides] = tasksOf(group);
    expect(colours?.config).toMatchObject({ num_fewshot: null, description: 'Colours of {{kind}}.\n\n' });
    expect(first?.config).toMatchObject({
      num_fewshot: 1,
      description: 'Overridden. ',
      fewshot_config: { sampler: 'first_n' },
    });
    expect(overrides?.config.fewshot_delimiter).toBe('\n\n\n');
    expect(group).toMatchObject({ alias: 'everything made', version: '2' });
    expect(group.aggregate).toEqual([{ metric: 'acc', filter_list: null, aggregation: 'mean', weight_by_size: false }]);
  });

  it('finds a task that stands in the file of its group alone', () => {
    const all = catalogue.load(['made_group']).flatMap(tasksOf);
    expect(catalogue.load(['made_group::inline'])).toEqual([all.at(-1)]);
    expect(error(() => catalogue.load(['made_group::none'])).message).toContain('is named made_group::none');
    expect(error(() => catalogue.load(['made_group', 'made_group::inline'])).message).toContain('asked for twice');
  });

  it('loads one file', () => {
    const [task] = catalogue.load([path.join(fixtures, 'colours_yaml11.yaml')]).flatMap(tasksOf);
    expect(task?.config.doc_to_text).toBe(
      "Is {{thing}} red, {{'yes' if label == 0 else 'no'}}? Further lines of quoted text may begin anywhere:",
    );
    expect(task?.config.doc_to_choice).toEqual(
      new Map<unknown, string>([
        [false, 'no'],
        [1, 'yes'],
      ]),
    );
  });

  it('says what an unknown name may have meant', () => {
    expect(error(() => catalogue.load(['colors'])).message).toBe('no task, group or tag is named colors');
    expect(error(() => catalogue.load(['colors'])).fix).toContain('did you mean colours');
    expect(error(() => catalogue.load(['zzz*'])).fix).toContain('gpt tasks list');
    expect(error(() => new Catalogue([path.join(fixtures, 'nowhere')])).message).toContain('no folder of task files');
  });

  it('refuses a task that is asked for twice', () => {
    expect(error(() => catalogue.load(['made_group', 'samples'])).message).toBe(
      'task samples is asked for twice: with made_group and with samples',
    );
  });
});

describe('several folders', () => {
  file('first/b/two.yaml', 'task: same\ntask_alias: two\n');
  file('first/a.yaml', 'task: same\ntask_alias: one\n');
  file('first/broken.yaml', 'task: [');
  file('first/quoted.yaml', '"task": "quoted-name"\n"tag": ["x", y]\n');
  file('first/y.yaml', 'task: 12\n');
  file('first/class.yaml', 'task: python_task\nclass: !function task.Python\n');
  file('first/.ipynb_checkpoints/a.yaml', 'task: hidden\n');
  file('second/z.yaml', 'task: same\ntask_alias: later\ntag:\n  - x # a comment\n\n  - "z"\n');

  it('the first file of a folder and the last folder win', () => {
    const alias = (dirs: string[]) =>
      tasksOf(new Catalogue(dirs.map((d) => path.join(dir, d))).load(['same'])[0]!)[0]!.config.task_alias;
    expect(alias(['first'])).toBe('one');
    expect(alias(['first', 'second'])).toBe('later');
    expect(alias(['second', 'first'])).toBe('one');
  });

  it('list names in any spelling, and no file that cannot be read', () => {
    const catalogue = new Catalogue([path.join(dir, 'first'), path.join(dir, 'second')]);
    expect(catalogue.names).toEqual(['python_task', 'quoted-name', 'same', 'x', 'y', 'z']);
    expect(catalogue.find('x')?.tasks).toEqual(['same']);
    expect(catalogue.find('y')?.tasks).toEqual(['quoted-name']);
  });

  it('refuse a task in Python only when it is used', () => {
    const catalogue = new Catalogue([path.join(dir, 'first')]);
    expect(error(() => catalogue.load(['python_task'])).message).toMatch(
      /class\.yaml: task python_task is written in Python: class task\.Python of .*first\/task\.py/,
    );
  });
});

describe('task files', () => {
  it('include others, the later ones and the own keys winning', () => {
    file('inc/base.yaml', 'task: base\nmetadata: {version: 1}\ntask_list: [never]\nnum_fewshot: 1\n');
    file('inc/more.yaml', 'include: base.yaml\nnum_fewshot: 2\nrepeats: 2\n');
    mkdirSync(path.join(dir, 'inc/deep'));
    const own = file('inc/deep/own.yaml', `include: [../more.yaml, ${path.join(dir, 'inc/base.yaml')}]\ntask: own\n`);
    expect(loadTaskFile(own)).toEqual({ task: 'own', metadata: { version: 1 }, num_fewshot: 1, repeats: 2 });
  });

  it('may not include each other in a circle, nor what is not there', () => {
    const one = file('circle/one.yaml', 'include: two.yaml\n');
    file('circle/two.yaml', 'include: one.yaml\n');
    expect(error(() => loadTaskFile(one)).message).toMatch(
      /two\.yaml: include goes in a circle: .*one\.yaml -> .*two\.yaml -> /,
    );
    const gone = file('gone.yaml', 'include: nothing.yaml\n');
    expect(error(() => loadTaskFile(gone)).message).toMatch(/gone\.yaml: include: .*nothing\.yaml: no such file/);
    expect(error(() => loadTaskFile(file('list.yaml', '- a\n'))).message).toContain('not a task file');
    expect(error(() => new Catalogue([]).load([file('neither.yaml', 'a: 1\n')])).message).toContain(
      'neither a task nor a group',
    );
  });

  it('have known keys of known kinds', () => {
    const config = taskConfig({ task: 't', tag: 'x', doc_to_target: true, metadata: 3 }, 'f.yaml');
    expect(config).toMatchObject({
      output_type: 'generate_until',
      target_delimiter: ' ',
      fewshot_delimiter: '\n\n',
      doc_to_target: 1,
    });
    const wrong = error(() =>
      taskConfig(
        { task: 't', num_fewshots: 2, doc_to_text: [1], output_type: 'choice', fewshot_config: { sampled: 1 } },
        'f.yaml',
      ),
    );
    expect(wrong.message).toContain('f.yaml: task t: ');
    expect(wrong.message).toContain('num_fewshots: no such key, did you mean num_fewshot?');
    expect(wrong.message).toContain('doc_to_text: ');
    expect(wrong.message).toContain('output_type: ');
    expect(wrong.message).toContain('fewshot_config.sampled: no such key');
  });

  it('groups name members that are there', () => {
    const group = file('group.yaml', 'group: g\ntask: [colour]\n');
    const wrong = error(() => new Catalogue([fixtures]).load([group]));
    expect(wrong.message).toMatch(/group\.yaml: group g: no task, group or tag is named colour$/);
    expect(wrong.fix).toContain('colours');
  });
});
