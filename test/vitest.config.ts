import { defineConfig } from 'vitest/config';
import { closingLine } from './closing_line.js';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    reporters: ['default', closingLine],
    pool: 'forks', // an addon with process-wide state must not be loaded by several worker threads
    maxWorkers: '100%', // most tests wait for one process of their own
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
