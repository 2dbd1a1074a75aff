import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, GptError } from '../../src/base/errors.js';
import { TaskDataConfig } from '../../src/config/schema.js';
import {
  EXAMPLE_FORMATS,
  type Example,
  type ExampleOptions,
  type ExampleSet,
  readExamples,
  type TaskForm,
} from '../../src/data/examples.js';
import { workplace } from './workplace.js';

const { dir, file } = workplace();

type Given = Partial<ExampleOptions>;

/** Examples of files in the workplace; places without its folder. */
async function read(names: string | readonly string[], form: TaskForm, given: Given = {}): Promise<ExampleSet> {
  const paths = (typeof names === 'string' ? [names] : names).map((name) => join(dir, name));
  const set = await readExamples(paths, {
    form,
    format: 'auto',
    columns: {},
    labels: 'required',
    score: false,
    onBadRow: 'fail',
    ...given,
  });
  return { ...set, examples: set.examples.map((one) => ({ ...one, place: one.place.replace(`${dir}/`, '') })) };
}

const short = ({ texts, choices, gold }: Example): unknown[] => [...texts, ...(choices ? [choices] : []), gold];

async function refused(names: string | readonly string[], form: TaskForm, given: Given = {}): Promise<GptError> {
  const error: unknown = await read(names, form, given).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(GptError);
  return error as GptError;
}

test('the formats are those that the configuration offers', () => {
  expect(TaskDataConfig.shape.format.unwrap().options).toEqual(['auto', ...EXAMPLE_FORMATS]);
});

describe('rows with named columns', () => {
  const rows = [
    { text: ' A warm day. ', label: 'good' },
    { text: 'It rained.', label: 'bad' },
  ];
  const want = [
    ['A warm day.', 'good'],
    ['It rained.', 'bad'],
  ];
  const table = (separator: string) =>
    [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))].map((row) => row.join(separator)).join('\n');
  test.each<[string, string | Uint8Array, string]>([
    ['days.tsv', table('\t'), ':2'],
    ['days.csv', table(','), ':2'],
    ['days.json', JSON.stringify({ rows }), ': row 1'],
    ['days.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'), ':1'],
    ['days.tsv.gz', gzipSync(table('\t')), ':2'],
    ['days.csv.gz', gzipSync(table(',')), ':2'],
    ['days.txt', table('\t'), ':2'],
  ])('%s', async (name, content, place) => {
    file(name, content);
    const set = await read(name, 'classification');
    expect(set.examples.map(short)).toEqual(want);
    expect(set.examples[0]!.place).toBe(name + place);
    expect([set.format, set.classNames, set.files]).toEqual(['rows', null, [join(dir, name)]]);
    expect(set.skipped).toEqual({ count: 0, first: [] });
  });

  test('.parquet, with its types', async () => {
    const parquet = join(import.meta.dirname, 'fixtures', 'rows.zstd.parquet');
    const options = { format: 'auto', labels: 'required', score: false, onBadRow: 'skip' } as const;
    const words = await readExamples([parquet], {
      ...options,
      form: 'classification',
      columns: { text: 'text', label: 'label' },
    });
    expect(words.examples.map(short)).toEqual([
      ['one', 0],
      ['dva – 二', 1],
      ['five', 1],
      ['seven', 2],
    ]);
    expect(words.skipped.first.map((message) => message.slice(parquet.length))).toEqual([
      ': row 3: text is null, expected text',
      ': row 4: text is empty',
      ': row 6: label is empty',
    ]);
    const lists = await readExamples([parquet], {
      ...options,
      form: 'multiple-choice',
      columns: { context: 'text', label: 'label' },
    });
    expect(lists.examples.map(short)).toEqual([['one', ['a', 'b'], 0]]);
    expect(lists.skipped.count).toBe(6);
  });

  test.each<[TaskForm, string, readonly unknown[]]>([
    ['classification', 'sentence\tgold\nThe sea.\t3', ['The sea.', 3]],
    [
      'entailment',
      'premise\thypothesis\tlabel\nAll cats sleep.\tMy cat sleeps.\tyes',
      ['All cats sleep.', 'My cat sleeps.', 'yes'],
    ],
    ['entailment', 'sentence1\tsentence2\tgold\nIt is red.\tIt is blue.\t2', ['It is red.', 'It is blue.', 2]],
    ['similarity', 'sentence1\tsentence2\tscore\nA hat.\tA cap.\t4.5', ['A hat.', 'A cap.', 4.5]],
    ['similarity', 'text1\ttext2\tlabel\nA hat.\tA cap.\tsame', ['A hat.', 'A cap.', 'same']],
    ['similarity', 'a\tb\tlabel\nA hat.\tA cap.\t-1', ['A hat.', 'A cap.', -1]],
    [
      'multiple-choice',
      'context\tquestion\tanswer0\tanswer1\tanswer2\tlabel\nIt fell.\tWhy?\tWind.\tSun.\tRain.\t2',
      ['It fell. Why?', ['Wind.', 'Sun.', 'Rain.'], 2],
    ],
    ['multiple-choice', 'context\tending1\tending0\tlabel\nIt fell.\tdown\tup\t1', ['It fell.', ['up', 'down'], 1]],
    ['multiple-choice', 'question\tchoice1\tchoice2\tanswer\nWhich?\tthis\tthat\tB', ['Which?', ['this', 'that'], 1]],
  ])('the usual columns of %s (%#)', async (form, text, want) => {
    file('usual.tsv', text);
    expect((await read('usual.tsv', form)).examples.map(short)).toEqual([want]);
  });

  test('columns of any other name are given', async () => {
    file('own.csv', 'id,body,kind,text\n1,The sea.,calm,x\n');
    const columns = { text: 'body', label: 'kind', first: undefined, answers: undefined };
    expect((await read('own.csv', 'classification', { columns })).examples.map(short)).toEqual([['The sea.', 'calm']]);
    file('own.jsonl', '{"z": "It fell.", "q": "Why?", "good": "Wind.", "bad": "Sun.", "right": 0}');
    const five = { context: 'z', question: 'q', answers: ['good', 'bad'], label: 'right' };
    expect((await read('own.jsonl', 'multiple-choice', { columns: five })).examples.map(short)).toEqual([
      ['It fell. Why?', ['Wind.', 'Sun.'], 0],
    ]);
    const one = { first: 'good', second: 'bad', label: 'right' };
    expect((await read('own.jsonl', 'similarity', { columns: one })).examples.map(short)).toEqual([
      ['Wind.', 'Sun.', 0],
    ]);
  });

  test('a row has as many answers as it has, in a list or in columns', async () => {
    file(
      'list.jsonl',
      '{"question":"?","answers":["a","b","b"],"label":2}\n{"question":"?","answers":["c","d"],"label":"A"}',
    );
    expect((await read('list.jsonl', 'multiple-choice')).examples.map(({ choices, gold }) => [choices, gold])).toEqual([
      [['a', 'b', 'b'], 2],
      [['c', 'd'], 0],
    ]);
    file('some.csv', 'question,answer0,answer1,answer2,label\n?,a,b,c,2\n?,a,b,,1\n');
    expect((await read('some.csv', 'multiple-choice')).examples.map(({ choices }) => choices)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b'],
    ]);
    file(
      'keys.jsonl',
      '{"question":"?","choice0":"a","choice1":"b","label":1}\n{"question":"?","choice0":"a","choice1":"b","choice2":"c","label":2}',
    );
    expect((await read('keys.jsonl', 'multiple-choice')).examples.map(({ choices }) => choices)).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
  });

  test('numbers are numbers however they are written, other labels are names', async () => {
    file(
      'labels.jsonl',
      ['1', '" 1 "', '"1.0"', '"1.25"', 'true', '"1e3"', '"12345678901234567890"']
        .map((label) => `{"text":"x","label":${label}}`)
        .join('\n'),
    );
    expect((await read('labels.jsonl', 'classification')).examples.map(({ gold }) => gold)).toEqual([
      1,
      1,
      1,
      1.25,
      'true',
      '1e3',
      '12345678901234567890',
    ]);
    file('scores.tsv', 'a\tb\tscore\nx\ty\t1e-1\nx\ty\t 3 \n');
    const { examples } = await read('scores.tsv', 'similarity', { score: true });
    expect(examples.map(({ gold }) => gold)).toEqual([0.1, 3]);
  });

  test('half a surrogate pair becomes U+FFFD', async () => {
    file('half.jsonl', '{"text":"x\\ud83d","label":1}');
    expect((await read('half.jsonl', 'classification')).examples[0]!.texts).toEqual(['x\uFFFD']);
  });

  test('rows to predict need no label', async () => {
    const optional = { labels: 'optional' } as const;
    file('none.jsonl', '{"text":"x"}\n{"text":"y","label":null}\n{"text":"z","label":"good"}\n{"text":"z","label":""}');
    const golds = async (given: Given) =>
      (await read('none.jsonl', 'classification', given)).examples.map(({ gold }) => gold);
    expect(await golds(optional)).toEqual([null, null, 'good', null]);
    expect(await golds({ ...optional, columns: { label: 'gold' } })).toEqual([null, null, null, null]);
    file('none.csv', 'question,answer0,answer1,label\n?,a,b,-1\n');
    expect((await read('none.csv', 'multiple-choice', optional)).examples[0]!.gold).toBe(null);
    file('nan.jsonl', '{"a":"x","b":"y","score":""}');
    expect((await read('nan.jsonl', 'similarity', { ...optional, score: true })).examples[0]!.gold).toBe(null);
  });
});

const COPA = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE copa-corpus SYSTEM "copa.dtd">
<copa-corpus  version="1.0">
  <!-- the first -->
  <item id="1" asks-for="cause" most-plausible-alternative="2">
    <p>The glass &amp; the cup fell.</p>
    <a1>They were full.</a1>
    <a2>They were
      pushed &#60;hard&#x3E;.</a2>
  </item>
  <item most-plausible-alternative='1' asks-for='effect' id='2'>
    <p>It rained.</p><a1>We got wet.</a1><a2>We sang.</a2></item>
</copa-corpus>
`;
const cosmos = 'id,context,question,answer0,answer1,answer2,answer3,label\n';
const SICK = 'pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\r\n';
const sentiment = { '0': 'negative', '1': 'positive' };
const acceptability = { '0': 'unacceptable', '1': 'acceptable' };
const entailed = { '0': 'entailment', '1': 'not_entailment' };
const copa = [
  ['The glass & the cup fell. What was the cause?', ['They were full.', 'They were pushed <hard>.'], 1],
  ['It rained. What happened as a result?', ['We got wet.', 'We sang.'], 0],
];

describe('data sets as they come', () => {
  test.each<[name: string, format: string, form: TaskForm, content: string, want: unknown[][], names: unknown]>([
    [
      'any.tsv',
      'sst2',
      'classification',
      'a " fine film\t1\nno good\t0\n',
      [
        ['a " fine film', 1],
        ['no good', 0],
      ],
      sentiment,
    ],
    ['SST-2/dev.tsv', 'sst2', 'classification', 'sentence\tlabel\nfine\t1\n', [['fine', 1]], sentiment],
    ['sst2/hub.jsonl', 'sst2', 'classification', '{"idx":0,"sentence":"fine","label":1}', [['fine', 1]], sentiment],
    [
      'any.tsv',
      'cola',
      'classification',
      'gj04\t1\t\tThe pond froze.\nks08\t0\t*\tPond the froze.\n',
      [
        ['The pond froze.', 1],
        ['Pond the froze.', 0],
      ],
      acceptability,
    ],
    [
      'CoLA/dev.tsv',
      'cola',
      'classification',
      'sentence\tlabel\tidx\nHe ran.\t1\t0\n',
      [['He ran.', 1]],
      acceptability,
    ],
    [
      'rte/dev.tsv',
      'rte',
      'entailment',
      'sentence1\tsentence2\tlabel\tidx\nAll "cats.\tOne cat.\t0\t7\n',
      [['All "cats.', 'One cat.', 0]],
      entailed,
    ],
    [
      'RTE/dev.tsv',
      'rte',
      'entailment',
      'index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n',
      [['A.', 'B.', 'not_entailment']],
      entailed,
    ],
    [
      'any.txt',
      'sick',
      'entailment',
      `${SICK}1\tA dog.\tA cat.\t2.5\tNEUTRAL\r\n`,
      [['A dog.', 'A cat.', 'NEUTRAL']],
      null,
    ],
    ['any.txt', 'sick', 'similarity', `${SICK}1\tA dog.\tA cat.\t2.5\tNEUTRAL\r\n`, [['A dog.', 'A cat.', 2.5]], null],
    [
      'any.csv',
      'stsb',
      'similarity',
      'main-news\tMSR\t2012\t1\t4.750\tIt, "so.\tIt is.\nmain-news\tMSR\t2012\t2\t0\tA.\tB.\tsource\tsource\n',
      [
        ['It, "so.', 'It is.', 4.75],
        ['A.', 'B.', 0],
      ],
      null,
    ],
    [
      'STS-B/dev.tsv',
      'stsb',
      'similarity',
      'index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n0\tg\tf\t1\t2\tnone\tnone\tA.\tB.\t3.2\n',
      [['A.', 'B.', 3.2]],
      null,
    ],
    [
      'any.txt',
      'mrpc',
      'similarity',
      '\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\tHe "said.\tHe spoke.\n',
      [['He "said.', 'He spoke.', 1]],
      { '0': 'not_equivalent', '1': 'equivalent' },
    ],
    ['any.xml', 'copa', 'multiple-choice', COPA, copa, null],
    [
      'val.jsonl',
      'copa',
      'multiple-choice',
      '{"premise":"It rained.","choice1":"We got wet.","choice2":"We sang.","question":"effect","label":0,"idx":0}',
      [copa[1]!],
      null,
    ],
    [
      'any.csv',
      'cosmosqa',
      'multiple-choice',
      `${cosmos}a##1,"It fell, ""hard"" .",Why ?,Wind .,Sun .,Rain .,None .,3\n`,
      [['It fell, "hard" . Why ?', ['Wind .', 'Sun .', 'Rain .', 'None .'], 3]],
      null,
    ],
  ])('%s is %s for %s', async (name, format, form, content, want, classNames) => {
    file(name, content);
    const found = await read(name, form);
    expect([found.format, found.examples.map(short), found.classNames]).toEqual([format, want, classNames]);
    const named = await read(name, form, { format: format as ExampleOptions['format'] });
    expect(named).toEqual(found);
  });

  test('lines are counted in XML too, and a gzipped file is read', async () => {
    writeFileSync(join(dir, 'copa.xml.gz'), gzipSync(COPA));
    expect((await read('copa.xml.gz', 'multiple-choice')).examples.map(({ place }) => place)).toEqual([
      'copa.xml.gz:5',
      'copa.xml.gz:11',
    ]);
  });

  test("GLUE's shared headers are rows, and the numbers have no names, where no name says which set it is", async () => {
    file('x/a.tsv', 'sentence\tlabel\nfine\t1\n');
    file('x/b.tsv', 'sentence1\tsentence2\tlabel\tidx\nA.\tB.\t1\t0\n'); // RTE or WNLI, which counts the other way
    const one = await read('x/a.tsv', 'classification');
    const two = await read('x/b.tsv', 'entailment');
    expect([one.format, one.classNames, two.format, two.classNames]).toEqual(['rows', null, 'rows', null]);
    expect((await read('x/b.tsv', 'entailment', { format: 'rte' })).classNames).toEqual(entailed);
  });

  test('a line of names is no row, however many numbers follow it', async () => {
    file('long.tsv', `text\tlabel\n${'fine\t1\n'.repeat(40)}`);
    const set = await read('long.tsv', 'classification');
    expect([set.format, set.examples.length]).toEqual(['rows', 40]);
    file('odd.tsv', `${'fine\t1\n'.repeat(9)}fine\t1\tx\n`); // a bad row among ten does not hide SST-2
    expect((await refused('odd.tsv', 'classification')).message).toMatch(/odd\.tsv:10: the row has 3 fields/);
  });

  test('files without a header have the column names of their format', async () => {
    file('film.tsv', 'a fine film\t1\n');
    const columns = { text: 'sentence', label: 'label' };
    expect((await read('film.tsv', 'classification', { columns })).examples.map(short)).toEqual([['a fine film', 1]]);
    file('mail.tsv', 'sender\t1\t\tBuy this.\n');
    const other = { text: 'source', label: 'sentence' };
    const set = await read('mail.tsv', 'classification', { columns: other });
    expect([set.examples.map(short), set.classNames]).toEqual([[['sender', 'Buy this.']], null]);
  });

  test('another form may be read from a set by naming its columns', async () => {
    file('p.txt', 'Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\tHe said.\tHe spoke.\n');
    const columns = { first: '#1 String', second: '#2 String', label: 'Quality' };
    expect((await read('p.txt', 'entailment', { columns })).examples.map(short)).toEqual([
      ['He said.', 'He spoke.', 1],
    ]);
  });

  test('-1, and a column that is not there, mean no label', async () => {
    file('rte/test.tsv', 'sentence1\tsentence2\tlabel\tidx\nA.\tB.\t-1\t0\n');
    file('rte/glue.tsv', 'index\tsentence1\tsentence2\n0\tA.\tB.\n');
    file('unlabelled.xml', COPA.replace(/most-plausible-alternative=.[12]./g, ''));
    for (const name of ['rte/test.tsv', 'rte/glue.tsv']) {
      expect((await read(name, 'entailment', { labels: 'optional' })).examples.map(({ gold }) => gold)).toEqual([null]);
    }
    const set = await read('unlabelled.xml', 'multiple-choice', { labels: 'optional' });
    expect(set.examples.map(({ gold }) => gold)).toEqual([null, null]);
    const error = await refused('rte/test.tsv', 'entailment');
    expect(error.message).toMatch(/rte\/test\.tsv:2: label is "-1": the example has no label$/);
    expect(error.fix).toContain('gpt predict takes rows without');
    expect((await refused('rte/glue.tsv', 'entailment')).message).toMatch(
      /glue\.tsv:2: no column for the label \(looked for label\)$/,
    );
    expect((await refused('unlabelled.xml', 'multiple-choice')).message).toMatch(/unlabelled\.xml:5: label is empty$/);
  });
});

type Bad = [name: string, form: TaskForm, content: string, message: RegExp, fix: RegExp, given?: Given];

describe('bad input', () => {
  test.each<Bad>([
    ['a.tsv', 'classification', 'text\tlabel\nx\t1\n \t0\n', /a\.tsv:3: text is empty$/, /--on-bad-row skip/],
    [
      'b.tsv',
      'classification',
      'text\tlabel\nx\t\n',
      /b\.tsv:2: label is empty$/,
      /give the label, or leave the row out/,
    ],
    [
      'c.tsv',
      'classification',
      'text\tlabel\nx\n',
      /c\.tsv:2: the row has 1 field, but the header has 2$/,
      /one field for each column/,
    ],
    [
      'd.jsonl',
      'classification',
      '{"text":"x","label":[1]}',
      /d\.jsonl:1: label is \[1\], expected text$/,
      /correct the row/,
    ],
    ['e.jsonl', 'classification', '{"text":5,"label":1}', /e\.jsonl:1: text is 5, expected text$/, /correct the row/],
    [
      'f.jsonl',
      'classification',
      '{"text":"x","label":1}\n{"text":\n',
      /f\.jsonl:2: not JSON/,
      /one JSON object a line/,
    ],
    [
      'g.tsv',
      'classification',
      'txt\tlable\nx\t1\n',
      /g\.tsv:2: no column for the text \(looked for text, sentence\), and for the label \(looked for label, gold, score, answer\)$/,
      /^name them with data\.text \(--text\), data\.label \(--label\); the first line names: txt, lable$/,
    ],
    [
      'h.tsv',
      'classification',
      'x\tgood\ny\tbad\n',
      /h\.tsv:2: no column for the text/,
      /the first line names: x, good$/,
    ],
    [
      'i.jsonl',
      'entailment',
      '{"premise":"x","label":1}',
      /i\.jsonl:1: no column for the second text \(looked for hypothesis, sentence2\)$/,
      /the row has: premise, label$/,
    ],
    [
      'j.tsv',
      'classification',
      'text\tsentence\tlabel\nx\ty\t1\n',
      /j\.tsv:2: the text may be in "text" or "sentence"$/,
      /^say in which: data\.text \(--text\)$/,
    ],
    [
      'k.tsv',
      'similarity',
      'a\tb\tlabel\tscore\nx\ty\t1\t2\n',
      /k\.tsv:2: the label may be in "label" or "score"$/,
      /data\.label/,
    ],
    [
      'l.tsv',
      'classification',
      'text\tlabel\nx\t1\n',
      /l\.tsv:2: there is no "txt" in the row$/,
      /^did you mean "text"\? it has: text, label$/,
      { columns: { text: 'txt' } },
    ],
    [
      'm.tsv',
      'similarity',
      'a\tb\tscore\nx\ty\thigh\n',
      /m\.tsv:2: score is "high", expected a number$/,
      /correct the row/,
      { score: true },
    ],
    [
      'n.tsv',
      'similarity',
      'a\tb\tscore\nx\ty\tInfinity\n',
      /n\.tsv:2: score is "Infinity", expected a number$/,
      /correct the row/,
      { score: true },
    ],
    [
      'o.csv',
      'multiple-choice',
      'question,answer0,answer1,label\n?,a,,0\n',
      /o\.csv:2: multiple choice with one answer$/,
      /two answers or more/,
    ],
    [
      'p.jsonl',
      'multiple-choice',
      '{"question":"?","answers":[],"label":0}',
      /p\.jsonl:1: multiple choice with no answers$/,
      /two answers or more/,
    ],
    [
      'q.csv',
      'multiple-choice',
      'question,answer0,answer1,label\n?,a,b,2\n',
      /q\.csv:2: label is "2", but the row has 2 answers: 0 to 1$/,
      /index from 0/,
    ],
    [
      'q2.csv',
      'multiple-choice',
      'question,answer0,answer1,label\n?,a,b,C\n',
      /q2\.csv:2: label is "C", but the row has 2 answers: 0 to 1$/,
      /letter from A/,
    ],
    [
      'q3.csv',
      'multiple-choice',
      'question,answer0,answer1,label\n?,a,b,b\n',
      /q3\.csv:2: label is "b", expected a whole number$/,
      /correct the row/,
    ],
    [
      'q4.csv',
      'multiple-choice',
      'question,answer0,answer1,label\n?,a,b,-2\n',
      /q4\.csv:2: label is "-2", but the row has 2 answers/,
      /index from 0/,
    ],
    [
      'r.csv',
      'multiple-choice',
      'question,answer0,answer1,answer2,label\n?,a,,c,0\n',
      /r\.csv:2: answer1 is empty$/,
      /give the text/,
    ],
    [
      's.jsonl',
      'multiple-choice',
      '{"question":"?","answers":["a"," "],"label":0}',
      /s\.jsonl:1: answers\[1\] is empty$/,
      /give the text/,
    ],
    [
      't.csv',
      'multiple-choice',
      'question,answer0,answer2,label\n?,a,b,0\n',
      /t\.csv:2: there is answer2, but no answer1$/,
      /without gaps/,
    ],
    [
      't2.csv',
      'multiple-choice',
      'question,answer3,answer4,label\n?,a,b,0\n',
      /t2\.csv:2: there is answer3, but no answer0$/,
      /without gaps/,
    ],
    [
      'u.csv',
      'multiple-choice',
      'question,answer0,answer1,choice0,choice1,label\n?,a,b,c,d,0\n',
      /u\.csv:2: the answers may be in "answer0 \.\.\." or "choice0 \.\.\."$/,
      /data\.answers/,
    ],
    [
      'v.csv',
      'multiple-choice',
      'q,label\n?,0\n',
      /v\.csv:2: no column for the context \(looked for context\), and for the question .*, and for the answers \(looked for answers, answer0 \.\.\., endings, /,
      /data\.context.*data\.question.*data\.answers/,
    ],
    [
      'w.csv',
      'multiple-choice',
      'question,all,label\n?,a b,0\n',
      /w\.csv:2: all is "a b", expected a list of strings$/,
      /correct the row/,
      { columns: { answers: ['all'] } },
    ],
    [
      'sst/x.tsv',
      'classification',
      `${'fine\t1\n'.repeat(20)}bad\t2\n`,
      /x\.tsv:21: label is "2", expected one of 0 \(negative\), 1 \(positive\)$/,
      /if the file is not sst2, set data\.format rows/,
    ],
    [
      'y.txt',
      'entailment',
      `${SICK}1\tA dog.\tA cat.\t2.5\tMAYBE\n`,
      /y\.txt:2: entailment_judgment is "MAYBE", expected one of ENTAILMENT, NEUTRAL, CONTRADICTION$/,
      /not sick/,
    ],
    [
      'z.csv',
      'similarity',
      'main-news\tMSR\t2012\t1\t4.750\tA.\tB.\nmain-news\tMSR\t2012\n',
      /z\.csv:2: the row has 3 fields, but there are names for 7$/,
      /one field/,
      { format: 'stsb' },
    ],
    [
      'rte/c.tsv',
      'classification',
      'sentence1\tsentence2\tlabel\nx\ty\t1\n',
      /c\.tsv:2: no column for the text \(looked for text, sentence\); it looks like rte, which is for entailment$/,
      /--text/,
    ],
    [
      'd.txt',
      'classification',
      'Once upon a time.\n',
      /d\.txt: not a table: there is no tab in its first line, "Once upon a time\."$/,
      /tab-separated/,
    ],
    ['e.bin', 'classification', 'x', /e\.bin: not a kind of file with examples$/, /\.tsv \.csv/],
    ['f.tsv', 'classification', '', /f\.tsv: the file is empty \(0 bytes\)$/, /./],
    ['g.tsv', 'classification', 'text\tlabel\n', /g\.tsv: the file is empty \(no rows\)$/, /./],
    ['g.csv', 'classification', 'text,label\n', /g\.csv: the file is empty \(no rows\)$/, /./, { onBadRow: 'skip' }],
    [
      'h.jsonl',
      'multiple-choice',
      '{"premise":"x","choice1":"a","choice2":"b","question":"why","label":0}',
      /h\.jsonl:1: question is "why", expected cause or effect$/,
      /correct/,
    ],
    [
      'i.xml',
      'multiple-choice',
      COPA,
      /i\.xml: XML is only read as COPA's, and the format is rows$/,
      /copa or auto/,
      { format: 'rows' },
    ],
  ])('%s of %s is refused', async (name, form, content, message, fix, given) => {
    file(name, content);
    const error = await refused(name, form, given);
    expect(error.message).toMatch(message);
    expect(error.fix).toMatch(fix);
    expect(error.exitCode).toBe(4);
  });

  test.each<[string, string, RegExp]>([
    [
      'most-plausible-alternative="2"',
      'most-plausible-alternative="3"',
      /:5: most-plausible-alternative is "3", expected "1" or "2"$/,
    ],
    ['asks-for="cause"', 'asks-for="reason"', /:5: asks-for is "reason", expected "cause" or "effect"$/],
    ['asks-for="cause"', '', /:5: asks-for is missing, expected/],
    ['<a1>They were full.</a1>', '', /:8: not COPA's XML: "<a2>They were\\n.*, expected <a1>text<\/a1>$/],
    ['<a1>They were full.', '<a1>They were <b>full.', /:7: not COPA's XML: "<a1>They were <b>full/],
    ['They were full.', ' ', /:5: choice1 is empty$/],
    ['  </item>', '', /:11: not COPA's XML: "<item most-plausible.*, expected <\/item>$/],
    ['</copa-corpus>', '', /:14: not COPA's XML: the file ends, expected <item \.\.\.> or <\/copa-corpus>$/],
    ['<copa-corpus  version="1.0">', '<items>', /:3: not COPA's XML: "<items>.*, expected <copa-corpus>$/],
    ['</copa-corpus>', '</copa-corpus>more', /:13: not COPA's XML: "more\\n", expected the end of the file$/],
    ['&amp;', '&nbsp;', /:6: "&nbsp;" is no character that XML knows by itself$/],
    ['&amp;', '& ', /:6: "&" is no character that XML knows/],
    ['&#60;', '&#9999999;', /:9: "&#9999999;" is no character/],
    ['-->', '', /:4: not COPA's XML: "<!-- the first/],
  ])("in COPA's XML %s as %s", async (from, to, message) => {
    expect(COPA).toContain(from);
    file('bad.xml', COPA.replace(from, to));
    const error = await refused('bad.xml', 'multiple-choice');
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toMatch(message);
  });

  test('a format for another form, and a column that the form has not, are errors of the configuration', async () => {
    file('one.tsv', 'x\t1\n');
    const format = await refused('one.tsv', 'entailment', { format: 'sick', columns: { text: 'x' } });
    expect(format).toBeInstanceOf(ConfigError);
    expect(format.message).toBe('data.text (--text) is no column of the task entailment');
    expect(format.fix).toBe('its columns are data.first, data.second, data.label');
    const form = await refused('one.tsv', 'entailment', { format: 'sst2' });
    expect([form.exitCode, form.message]).toEqual([
      2,
      'data.format sst2 is for classification, and the task is entailment',
    ]);
  });

  test('paths that are no files, and files of two formats', async () => {
    file('mix/a.tsv', 'fine\t1\n');
    file('mix/b.tsv', 'gj04\t1\t\tThe pond froze.\n');
    expect((await refused('mix/none.tsv', 'classification')).message).toMatch(/none\.tsv: there is no such file$/);
    expect((await refused('mix', 'classification')).message).toMatch(/mix: a folder, expected a file of examples$/);
    expect((await refused(['mix/a.tsv', 'mix/b.tsv'], 'classification')).message).toMatch(
      /b\.tsv: looks like cola, but the files before like sst2$/,
    );
    const both = await read(['mix/a.tsv', 'mix/a.tsv'], 'classification');
    expect(both.examples).toHaveLength(2);
  });
});

describe('on_bad_row skip', () => {
  const skip = { onBadRow: 'skip' } as const;

  test('counts the rows it leaves out, and keeps the first messages', async () => {
    const bad = Array.from({ length: 10 }, (_, i) => `bad${i}\t`);
    file('many.tsv', ['text\tlabel', 'x\t1', ...bad, 'three\tfields\there', 'y\t0', ''].join('\n'));
    const { examples, skipped } = await read('many.tsv', 'classification', skip);
    expect(examples.map(short)).toEqual([
      ['x', 1],
      ['y', 0],
    ]);
    expect(skipped.count).toBe(11);
    expect(skipped.first.map((message) => message.replace(`${dir}/`, ''))).toEqual(
      [3, 4, 5, 6, 7].map((line) => `many.tsv:${line}: label is empty`),
    );
  });

  test.each<[string, string, RegExp]>([
    ['fields.tsv', 'text\tlabel\nx\t1\nfew\ny\t0\n', /fields\.tsv:3: the row has 1 field/],
    ['quote.csv', 'text,label\nx,1\na "b" c,1\ny,0\n', /quote\.csv:3: a quote stands inside a field/],
    ['line.jsonl', '{"text":"x","label":1}\n{"text":\n{"text":"y","label":0}\n', /line\.jsonl:2: not JSON/],
    [
      'item.json',
      '[{"text":"x","label":1},{"text" "z"},{"text":"y","label":0}]',
      /item\.json: row 2 \(line 1\): not JSON/,
    ],
    [
      'key.jsonl',
      '{"txt":"z"}\n{"text":"x","label":1}\n{"text":"y","label":0}\n',
      /key\.jsonl:1: no column for the text/,
    ],
  ])('%s: what cannot be read is a bad row too', async (name, content, message) => {
    file(name, content);
    const { examples, skipped } = await read(name, 'classification', skip);
    expect(examples.map(short)).toEqual([
      ['x', 1],
      ['y', 0],
    ]);
    expect([skipped.count, skipped.first[0]]).toEqual([1, expect.stringMatching(message)]);
    expect((await refused(name, 'classification')).message).toMatch(message);
  });

  test('items of COPA are skipped, broken XML is not', async () => {
    file('skip.xml', COPA.replace('asks-for="cause"', ''));
    const { examples, skipped } = await read('skip.xml', 'multiple-choice', skip);
    expect([examples.length, skipped.count]).toEqual([1, 1]);
    file('skip.xml', COPA.replace('</p>', ''));
    expect((await refused('skip.xml', 'multiple-choice', skip)).message).toMatch(/skip\.xml:6: not COPA's XML/);
  });

  test('a file of which nothing is left is an error with its first', async () => {
    file('good.tsv', 'text\tlabel\nx\t1\ny\t\n');
    file('bad.tsv', 'txt\tlabel\nx\t1\ny\t0\n');
    const error = await refused(['good.tsv', 'bad.tsv'], 'classification', skip);
    expect(error.message).toMatch(
      /bad\.tsv: none of its 2 rows is an example; the first: .*bad\.tsv:2: no column for the text/,
    );
    expect(error.fix).toMatch(/the first line names: txt, label$/);
    file('head.csv', 'te"x"t,label\nx,1\n');
    expect((await refused('head.csv', 'classification', skip)).message).toMatch(/head\.csv:1: a quote stands inside/);
  });
});
