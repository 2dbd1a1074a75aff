// A temporary folder for the files of one test file, removed at its end.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

export interface Workplace {
  readonly dir: string;
  /** Writes a file, with its folders, and returns its path. */
  file(name: string, content: string | Uint8Array): string;
}

export function workplace(): Workplace {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-data-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return {
    dir,
    file(name, content) {
      const path = join(dir, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
  };
}
