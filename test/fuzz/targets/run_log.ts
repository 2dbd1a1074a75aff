// run.jsonl, the log of a run, and the report made of it. A line that is damaged is skipped and counted, so nearly
// everything is read.

import { jsonText } from '../../../src/base/json.js';
import { reportHtml } from '../../../src/report/html.js';
import { readRun } from '../../../src/report/record.js';
import { reportJson } from '../../../src/report/summary.js';
import { fakeRun } from '../../report/fake_run.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const lines = fakeRun()
  .filter((event) => event.type !== 'step' || event.step % 50 === 0)
  .map((event) => JSON.stringify(event));
const start = lines[0]!;
const of = (type: string): string => lines.find((line) => line.startsWith(`{"type":"${type}"`))!;
const SCRIPT = '<script>alert(1)</script>';

/** An event with another value of a key, in JSON. */
const changed = (line: string, key: string, value: string): string => {
  const without = Object.entries(JSON.parse(line)).filter(([name]) => name !== key);
  return `{"${key}":${value},${JSON.stringify(Object.fromEntries(without)).slice(1)}`;
};
const steps = (key: string, ...values: string[]): string[] =>
  values.map((value, i) => changed(changed(of('step'), 'step', String(i + 1)), key, value));

const log = (...rows: readonly string[]): Buffer => Buffer.from(`${rows.join('\n')}\n`);

export const runLogTargets: readonly Target[] = [
  {
    name: 'run.jsonl',
    file: 'run.jsonl',
    text: true,
    seeds: () => [log(...lines), log(...lines.slice(0, 5), start.replace('"resumed_from":null', '"resumed_from":50'))],
    hostile: () => [
      log(''),
      log('null', '1', '[]', '"start"', '{"type":null}', '{"type":"__proto__"}'),
      log('{"type":"start"}'),
      log(start, '{"type":"step"}', '{"type":"val"}', '{"type":"end"}', '{"type":"checkpoint"}', '{"type":"sample"}'),
      log(start, '{"type":"step","step":"x","loss":{}}'),
      log(start, `{"type":"step","x":${nested('[', '', ']', DEEP)}}`),
      log(start, `{"type":"step","x":${nested('[', '', '', DEEP)}}`),
      log(...Array(20_000).fill('{')),
      log(start, '{"type":"step","step":1e999,"loss":1e999}'),
      log('\ufeff', start),
      // what charts divide and take logarithms of
      ...['loss', 'lr', 'grad_norm', 'tokens_per_s', 'memory_bytes', 'step_ms', 'mfu'].flatMap((key) => [
        log(start, ...steps(key, '1e-308', '2e-308')),
        log(start, ...steps(key, '5e-324', '0', '1e-323')),
        log(start, ...steps(key, '-1e308', '1e308')),
        log(start, ...steps(key, '1e20', '100000000000000016384')),
        log(start, ...steps(key, '1.7976931348623157e308', '1.7976931348623155e308')),
        log(start, ...steps(key, '-1', '0', '"NaN"', '"Infinity"', '1')),
      ]),
      log(start, ...['1', '2', '9007199254740991'].map((n) => changed(of('step'), 'step', n))),
      log(start, changed(of('step'), 'step', '9007199254740990'), changed(of('step'), 'step', '9007199254740991')),
      log(changed(start, 'baselines', '{"uniform":1e308,"unigram":-1e308,"five_gram":5e-324}'), ...lines.slice(1)),
      log(changed(start, 'config', nested('[', '', ']', DEEP)), ...lines.slice(1)),
      log(changed(start, 'config', nested('{"a":', '0', '}', DEEP)), ...lines.slice(1)),
      ...[300, 1000, 2000, 3000, 5000, 8000].map((depth) =>
        log(changed(start, 'config', nested('{"a":', '0', '}', depth)), ...lines.slice(1)),
      ),
      log(changed(start, 'config', '{"model":{"arch":{"toString":1}}}'), ...lines.slice(1)),
      log(changed(start, 'config', '{"__proto__":{"toString":1},"constructor":2}'), ...lines.slice(1)),
      log(changed(start, 'origins', '{"__proto__":"x","model.n_layer":"y"}'), ...lines.slice(1)),
      log(changed(start, 'time', '"never"'), changed(of('end'), 'time', '"never"')),
      log(...Array(2000).fill(start)),
      log(start, ...Array.from({ length: 5000 }, (_, i) => changed(of('step'), 'step', String(i + 1)))),
      ...['name', 'command', 'dir', 'device'].map((key) => log(changed(start, key, JSON.stringify(SCRIPT)))),
      log(start, changed(of('sample'), 'text', JSON.stringify(SCRIPT))),
      Buffer.from(`${start}\n{"type":"step","st`),
      Buffer.from('\0'.repeat(1000)),
    ],
    slack: 2 ** 21, // the log is read in blocks of 1 MiB
    dictionary: [
      JSON.stringify(SCRIPT),
      '"NaN"',
      '1e-300',
      '5e-324',
      '"type"',
      '"start"',
      '"step"',
      '"end"',
      '"resumed_from"',
      '{"type":"start"}\n',
    ],
    read(path) {
      const record = readRun(path);
      consistent(record.parts.at(-1) === record.start, 'the last part is not the start');
      const html = reportHtml(record);
      consistent(html.endsWith('</html>\n') && !html.includes('<script'), 'the page has no end, or a script');
      const { format } = JSON.parse(jsonText(reportJson(record)));
      consistent(format === 'gpt-report-1', `report.json is in format ${format}`);
    },
  },
];
