// Expected values: CPython 3.12's random.Random, drawn in the order of the test.

import { expect, test } from 'vitest';
import { PythonRandom } from '../../../src/eval/harness/python_random.js';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test.each([
  {
    seed: 0,
    floats: [0.8444218515250481, 0.7579544029403025, 0.420571580830845],
    samples: [
      [4, 8, 7, 3],
      [38, 61, 45, 74, 27, 64],
      [570, 1154, 572, 388, 2532],
    ],
    choices: [39, 49, 26, 35],
    below: 4,
    shuffled: [3, 4, 1, 6, 5, 0, 7, 2],
  },
  {
    seed: 1234,
    floats: [0.9664535356921388, 0.4407325991753527, 0.007491470058587191],
    samples: [
      [9, 0, 1, 8],
      [98, 45, 30, 2, 3, 44],
      [2655, 2552, 1983, 2522, 1898],
    ],
    choices: [7, 9, 5, 0],
    below: 3,
    shuffled: [1, 2, 6, 7, 4, 5, 0, 3],
  },
  {
    seed: 2 ** 40 + 7, // two words of key
    floats: [0.6137037779936511, 0.8149162973309487, 0.9450115087592873],
    samples: [
      [9, 7, 4, 8],
      [16, 66, 48, 92, 46, 50],
      [1814, 1840, 1525, 923, 1821],
    ],
    choices: [37, 8, 36, 36],
    below: 6,
    shuffled: [1, 3, 4, 5, 6, 7, 0, 2],
  },
])('seed $seed draws what CPython draws', ({ seed, floats, samples, choices, below, shuffled }) => {
  const random = new PythonRandom(seed);
  expect(floats.map(() => random.random())).toEqual(floats);
  const sizes = [10, 100, 3000]; // a small population is copied, a large one is drawn from with repetitions
  expect(samples.map((drawn, i) => random.sample(range(sizes[i]!), drawn.length))).toEqual(samples);
  expect([...random.choices(50, new Uint32Array(4))]).toEqual(choices);
  expect(random.below(7)).toBe(below);
  expect(random.shuffle(range(8))).toEqual(shuffled);
});

test('the state is twisted again after 624 words', () => {
  const random = new PythonRandom(5);
  for (let i = 0; i < 1999; i++) random.random();
  expect(random.random()).toBe(0.20243881971614341);
});

test('a sample larger than the population is refused', () => {
  expect(() => new PythonRandom(1).sample([1, 2], 3)).toThrow('a sample of 3 from 2');
});
