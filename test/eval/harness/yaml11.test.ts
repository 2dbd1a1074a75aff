// YAML as PyYAML reads it. Values of PyYAML 6.0.

import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/base/errors.js';
import { FunctionName, parseYaml } from '../../../src/eval/harness/yaml11.js';

const value = (text: string): unknown => (parseYaml(`a: ${text}\n`, '/t/x.yaml') as { a: unknown }).a;

describe('scalars', () => {
  it.each([
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['n', 'n'],
    ['~', null],
    ['', null],
    ['Null', null],
    ['12', 12],
    ['-1_000', -1000],
    ['010', 8],
    ['08', '08'],
    ['0o17', '0o17'],
    ['0x1F', 31],
    ['-0x1F', -31],
    ['0b101', 5],
    ['1:30', 90],
    ['-1:30:00', -5400],
    ['1:30.5', 90.5],
    ['1.5', 1.5],
    ['1.', 1],
    ['.5', 0.5],
    ['1e3', '1e3'],
    ['1e-3', '1e-3'],
    ['1.0e5', '1.0e5'],
    ['1.0e+5', 100000],
    ['1.5e-3', 0.0015],
    ['.inf', Number.POSITIVE_INFINITY],
    ['-.INF', Number.NEGATIVE_INFINITY],
    ['2001-12-14', '2001-12-14'],
    ['"yes"', 'yes'],
    ["'it''s'", "it's"],
  ])('%s', (text, want) => expect(value(text)).toBe(want));
});

describe('documents', () => {
  it('take the last of equal keys, and merge', () => {
    expect(parseYaml('a: 1\na: 2\n', 'f')).toEqual({ a: 2 });
    expect(parseYaml('base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\n', 'f')).toMatchObject({ own: { x: 1, y: 3 } });
  });

  it('keep keys that are no text, and their order', () => {
    expect(parseYaml('a: {2: two, 1: one, no: nein}', 'f')).toEqual({
      a: new Map<unknown, string>([
        [2, 'two'],
        [1, 'one'],
        [false, 'nein'],
      ]),
    });
  });

  it('let further lines of quoted text begin anywhere', () => {
    const text = 'list:\n  - a: "one \\" two\nthree\n\nfour"\n    b: \'x\ny\'\nc: 1\n';
    expect(parseYaml(text, 'f')).toEqual({ list: [{ a: 'one " two three\nfour', b: 'x y' }], c: 1 });
  });

  it('name functions with the folder of the file', () => {
    const { a } = parseYaml('a: !function sub.utils.f', '/tasks/rte/x.yaml') as { a: FunctionName };
    expect(a).toBeInstanceOf(FunctionName);
    expect([a.file, a.name, String(a)]).toEqual(['/tasks/rte/sub/utils.py', 'f', 'sub.utils.f']);
  });

  it.each([
    ['a: [1', '/t/x.yaml:1:'],
    ['a: 1\nb: "open\n', '/t/x.yaml:3:1: Missing closing'],
    ['a: 1\n  b: 2\n', '/t/x.yaml:1:'],
    ['a: !other x\n', '/t/x.yaml:1:'],
  ])('say where %j is wrong', (text, place) => {
    expect(() => parseYaml(text, '/t/x.yaml')).toThrow(ConfigError);
    expect(() => parseYaml(text, '/t/x.yaml')).toThrow(place);
  });
});
