// The text of all kernels that NVRTC compiles on machines without nvcc stands on its own.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { translationUnit } from '../../src/backends/cuda/build_images.mjs';
import { kernelSources } from './build_sim.mjs';
import { ROOT } from './machine.js';

const unit = translationUnit();

test('it includes nothing and names no absolute path', () => {
  expect(unit).not.toMatch(/^\s*#\s*include/m);
  expect(unit).not.toContain(ROOT);
  expect(unit).not.toMatch(/#line \d+ "\//);
});

test('it holds every kernel, each file and header once', () => {
  const kernels = (text: string) => [...text.matchAll(/^KERNEL\(\w+, (\w+)/gm)].map(([, name]) => name);
  const all = kernelSources().flatMap((file) => kernels(readFileSync(ROOT + file, 'utf8')));
  expect(kernels(unit)).toEqual(all);
  const files = [...unit.matchAll(/^#line 1 "(.*)"$/gm)].map(([, file]) => file);
  expect(new Set(files).size).toBe(files.length);
  expect(files).toContain('src/backends/cuda/device.cuh');
});

test('a line of it is where #line says', () => {
  const lines = unit.split('\n');
  let file = '';
  let number = 0;
  for (const line of lines) {
    const [, at, name] = /^#line (\d+) "(.*)"$/.exec(line) ?? [];
    if (at !== undefined) [file, number] = [name!, Number(at)];
    else if (file !== '') {
      const original = readFileSync(ROOT + file, 'utf8').split('\n')[number - 1];
      if (line !== '' && !line.startsWith('#error')) expect(line, `${file}:${number}`).toBe(original);
      number++;
    }
  }
});
