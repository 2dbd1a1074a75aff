// Templates against Jinja itself (fixtures/make_requests.py), and against templates of real tasks where they are at hand.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { literalEval } from '../../../src/eval/harness/python_literal.js';
import { render, TemplateError } from '../../../src/eval/harness/template.js';
import { nameOf, parseTemplate } from '../../../src/eval/harness/template_source.js';

const { doc, cases } = JSON.parse(readFileSync(new URL('fixtures/templates.json', import.meta.url), 'utf8')) as {
  doc: Record<string, unknown>;
  cases: [string, string | null][];
};

describe('templates as Jinja renders them', () => {
  it.each(cases)('%j', (template, want) => {
    if (want === null) return expect(() => render(template, doc)).toThrow(TemplateError);
    return expect(render(template, doc)).toBe(want);
  });
});

describe('templates', () => {
  it('name what is not there', () => {
    expect(() => render('{{a}}', {})).toThrow("'a' is undefined");
    expect(() => render('{{a.b}}', { a: {} })).toThrow("'dict' object has no attribute 'b'");
    expect(() => render('{{a.b.c}}', { a: {} })).toThrow("'dict' object has no attribute 'b'");
  });

  it('print no column that is missing in a list, where Jinja would print Undefined', () => {
    expect(() => render('{{[a, b]}}', { a: 1 })).toThrow("'b' is undefined");
  });

  it('refuse what is not supported', () => {
    expect(() => render('{% macro f() %}{% endmacro %}{{f()}}', {})).toThrow(TemplateError);
    expect(() => render('{{1|frobnicate}}', {})).toThrow("no filter named 'frobnicate'");
    expect(() => render('{{1 < 2 < 3}}', {})).toThrow(/chain/);
    expect(() => render('{{ a', {})).toThrow(TemplateError);
  });

  it('print large whole numbers of Parquet files', () => {
    expect(render('{{n}} {{n + 1}}', { n: 12n })).toBe('12 13');
  });

  it('keep names that are not ASCII', () => {
    const [output] = parseTemplate('{{größe}}');
    expect(output).toMatchObject({ type: 'Identifier' });
    expect(nameOf((output as { value: string }).value)).toBe('größe');
  });
});

const real = new URL('../../../../shared/tools/eval-prototype/cases.json', import.meta.url);

describe.skipIf(!existsSync(real))('85 templates of 37 real tasks (../shared/tools; skipped where it is not)', () => {
  const all = existsSync(real) ? JSON.parse(readFileSync(real, 'utf8')) : [];
  it.each(
    all as { task: string; field: string; template: string; doc: object; expect: string; literal: unknown }[],
  )('$task $field', (c) => {
    expect(render(c.template, c.doc as Record<string, unknown>)).toBe(c.expect);
    if (c.literal !== null) expect(literalEval(c.expect)).toEqual(c.literal);
  });
});
