// Ports of Python functions against these functions: fixtures/make_requests.py ran them on documents of our own.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/base/errors.js';
import {
  aggregationFunction,
  docFunction,
  fieldFunction,
  otherVersion,
  resultsFunction,
} from '../../../src/eval/harness/functions.js';
import { FunctionName } from '../../../src/eval/harness/yaml11.js';
import type { Doc } from '../../../src/eval/request.js';

interface Case {
  file: string;
  function: string;
  arguments: unknown[];
  value: unknown;
}

const cases = JSON.parse(readFileSync(new URL('fixtures/functions.json', import.meta.url), 'utf8')) as Case[];

function value({ file, function: name, arguments: args }: Case): unknown {
  const named = new FunctionName(
    path.join('/harness/lm_eval/tasks', path.dirname(file)),
    `${path.basename(file)}.${name}`,
  );
  const doc = args[0] as Doc;
  if (name === 'process_docs') return docFunction(named)(doc);
  if (name === 'cb_multi_fi') return aggregationFunction(named)(args[0] as unknown[]);
  if (!name.startsWith('process_results')) return fieldFunction(named)(doc);
  const answers = (args[1] as unknown[]).map((answer) =>
    Array.isArray(answer) ? { logprob: answer[0], greedy: answer[1] } : answer,
  );
  return resultsFunction(named)(doc, answers);
}

describe('ports', () => {
  it.each(cases)('$file $function', (c) => {
    const got = value(c);
    if (typeof got === 'number' && !Number.isInteger(c.value)) expect(got).toBeCloseTo(c.value as number, 14);
    else if (c.function === 'process_results_mc2')
      expect(got).toEqual({ acc: expect.closeTo((c.value as { acc: number }).acc, 14) });
    else expect(got).toEqual(c.value);
  });

  it('say what there is no port of', () => {
    const utils = new FunctionName('/harness/lm_eval/tasks/drop', 'utils.process_docs');
    expect(() => docFunction(utils)).toThrow(ConfigError);
    expect(() => docFunction(utils)).toThrow(
      '/harness/lm_eval/tasks/drop/utils.py: the function process_docs is Python',
    );
    expect(() => fieldFunction(new FunctionName('/a/hellaswag', 'utils.process_docs'))).toThrow(ConfigError);
    expect(() => fieldFunction(new FunctionName('/a/winogrande', 'preprocess_winogrande.toString'))).toThrow(
      ConfigError,
    );
  });

  it('name the column that a document lacks', () => {
    const mnli = fieldFunction(new FunctionName('/a/glue/mnli', 'utils.doc_to_text'));
    expect(() => mnli({ premise: 'a' })).toThrow(TypeError);
    const winogrande = fieldFunction(new FunctionName('/a/winogrande', 'preprocess_winogrande.doc_to_choice'));
    expect(() => winogrande({ sentence: 'no blank', option1: 'a', option2: 'b' })).toThrow('the sentence has no blank');
  });
});

describe('versions', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'gpt-ports-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('are told apart by the Python file', () => {
    const name = new FunctionName(path.join(dir, 'hellaswag'), 'utils.process_docs');
    expect(otherVersion(name)).toBeNull(); // no file: nothing to compare with
    mkdirSync(name.dir);
    writeFileSync(name.file, 'def process_docs(dataset): return dataset\n');
    expect(otherVersion(name)).toContain('another version');
  });
});
