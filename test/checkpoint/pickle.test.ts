import { describe, expect, test } from 'vitest';
import { PickleError, PickleGlobal, type PickleNames, readPickle } from '../../src/checkpoint/pickle.js';
import { py } from './torch_writer.js';

const NAMES: PickleNames = {
  globals: { 'collections OrderedDict': () => new Map(), 'torch FloatStorage': null },
  persistent: (id) => ({ id }),
};
const read = (...parts: (string | Uint8Array)[]) =>
  readPickle(
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
    NAMES,
  );

// Made by Python 3.11.7: pickle.dumps(value, protocol), as hex.
const PYTHON: [string, string][] = [
  [
    'protocol 2',
    '80027d7100285804000000696e747371015d7102284b004bff4d00014affffffff4a701101004a90eefeff8a060000000000018a060000000000ff8a09000000000000000040655805000000666c6f6174710347bfc400000000000058030000007374727104580b0000006e61c3af766520f09f9982710558060000007475706c657371065d710728294b018571084b014b028671094b014b024b0387710a284b014b024b034b0474710b655805000000666c616773710c88894e87710d4b077d710e58060000006e6573746564710f5d7110735805000000616761696e7111680e752e',
  ],
  [
    'protocol 4',
    '800495b8000000000000007d94288c04696e7473945d94284b004bff4d00014affffffff4a701101004a90eefeff8a060000000000018a060000000000ff8a09000000000000000040658c05666c6f61749447bfc40000000000008c03737472948c0b6e61c3af766520f09f9982948c067475706c6573945d9428294b0185944b014b0286944b014b024b038794284b014b024b034b047494658c05666c6167739488894e87944b077d948c066e6573746564945d94738c05616761696e94680e752e',
  ],
];

describe('what Python pickles', () => {
  test.each(PYTHON)('%s: dict, list, tuple, int, float, str, bool, None and shared objects', (_, hex) => {
    const value = readPickle(Buffer.from(hex, 'hex'), NAMES) as Map<unknown, unknown>;
    expect(value).toBeInstanceOf(Map);
    expect([...value]).toEqual([
      ['ints', [0, 255, 256, -1, 70000, -70000, 2 ** 40, -(2 ** 40), 2n ** 70n]],
      ['float', -0.15625],
      ['str', 'naïve 🙂'],
      ['tuples', [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
      ['flags', [true, false, null]],
      [7, new Map([['nested', []]])],
      ['again', new Map([['nested', []]])],
    ]);
    expect(value.get('again')).toBe(value.get(7)); // one object, twice
  });
});

describe('objects', () => {
  test('a known global is called, or stands for itself', () => {
    expect(read('\x80\x02', py.call(py.global('collections', 'OrderedDict')), '.')).toEqual(new Map());
    expect(read('\x80\x02', py.global('torch', 'FloatStorage'), '.')).toEqual(new PickleGlobal('torch FloatStorage'));
    expect(read('\x80\x04\x8c\x05torch\x8c\x0cFloatStorage\x93.')).toEqual(new PickleGlobal('torch FloatStorage'));
  });

  test('attributes of a dict (a state dict has _metadata) are passed over', () => {
    const dict = py.call(py.global('collections', 'OrderedDict'));
    expect(read('\x80\x02', dict, py.str('a'), py.int(1), 's', py.dict([['_metadata', py.none]]), 'b.')).toEqual(
      new Map([['a', 1]]),
    );
  });

  test('a persistent id is handed on', () => {
    expect(read('\x80\x02', py.persistent(py.tuple(py.str('storage'))), '.')).toEqual({ id: ['storage'] });
  });
});

describe('nothing is executed', () => {
  test.each<[string, (string | Uint8Array)[], RegExp]>([
    [
      'os.system',
      ['\x80\x02', py.call(py.global('posix', 'system'), py.str('touch x')), '.'],
      /posix\.system, which is not/,
    ],
    ['builtins by STACK_GLOBAL', ['\x80\x04\x8c\x08builtins\x8c\x04eval\x93.'], /builtins\.eval/],
    ['a property of every object', ['\x80\x02c__proto__\nconstructor\n.'], /__proto__\.constructor/],
    ['a storage called', ['\x80\x02', py.call(py.global('torch', 'FloatStorage')), '.'], /calls torch\.FloatStorage/],
    ['a call of a value', ['\x80\x02', py.call(py.int(1)), '.'], /calls something that is no function/],
    [
      'many arguments',
      ['\x80\x02', py.call(py.global('collections', 'OrderedDict'), ...new Array(17).fill(py.none)), '.'],
      /calls/,
    ],
    ['INST', ['\x80\x02(iposix\nsystem\n.'], /opcode 0x69/],
    ['OBJ', ['\x80\x02(o.'], /opcode 0x6f/],
    ['NEWOBJ', ['\x80\x02)\x81.'], /opcode 0x81/],
    ['EXT1', ['\x80\x02\x82\x01.'], /opcode 0x82/],
  ])('%s', (_, parts, message) => {
    expect(() => read(...parts)).toThrow(message);
    expect(() => read(...parts)).toThrow(PickleError);
  });
});

describe('damage', () => {
  test.each<[string, string, RegExp]>([
    ['nothing', '', /ends in the middle/],
    ['no STOP', '\x80\x02N', /ends in the middle/],
    ['protocol 0', '\x80\x00N.', /protocol 0/],
    ['a string longer than the file', '\x80\x02X\xff\xff\xff\xffab.', /ends in the middle/],
    ['bytes that are no text', '\x80\x02X\x01\x00\x00\x00\xff.', /no UTF-8/],
    ['a line without an end', '\x80\x02ctorch', /middle of a line/],
    ['an empty stack', '\x80\x02.', /takes a value/],
    ['a value from below a mark', '\x80\x02N(0'.replace('0', '\x85.'), /takes a value/],
    ['a mark that is missing', '\x80\x02Nt.', /needs a mark/],
    ['two values', '\x80\x02NN.', /more than one value/],
    ['an unknown memo', '\x80\x02h\x05.', /object 5/],
    ['an item of no dict', '\x80\x02NNNs.', /no dict/],
    ['an item of no list', '\x80\x02NNa.', /no list/],
    ['an item of the empty tuple', '\x80\x02)Na.', /no list/],
    ['a key without a value', '\x80\x02}(Nu.', /key without a value/],
    ['attributes of a number', '\x80\x02K\x01}b.', /no dict/],
    ['a long integer', `\x80\x02\x8a\x41${'\x01'.repeat(65)}.`, /65 bytes/],
  ])('%s', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(PickleError);
  });

  test('a name that is no text is not made one: as text these lists would have 2^60 commas', () => {
    const lists = `(]q\0${'](h\0h\0eq\0'.repeat(60)}t`;
    expect(() => read('\x80\x02', lists, 'h\0X\x01\0\0\0f\x93.')).toThrow('it refers to something without a name');
  });

  test('a long name is quoted in part', () => {
    expect(() => read('\x80\x02', py.global('m'.repeat(5000), 'f'), '.')).toThrow(
      /refers to m{57}\.\.\., which is not/,
    );
  });

  test('a small file cannot ask for many objects', () => {
    expect(() => read('\x80\x02(', '}'.repeat(200_001), 't.')).toThrow(/more than 200000 objects/);
    expect(() => read('\x80\x02N', '\x94'.repeat(200_001), '.')).toThrow(/more than 200000 objects/);
  });
});
