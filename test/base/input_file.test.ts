import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInput } from '../../src/base/input_file.js';

test.skipIf(process.platform === 'win32')('a named pipe is refused, and nobody waits for who writes into it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-input-'));
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // in a process of its own, which can be ended when it waits
  const script = `import(${JSON.stringify(new URL('../../dist/base/input_file.js', import.meta.url).href)})
    .then(({ openInput }) => openInput(${JSON.stringify(pipe)})).catch((error) => console.log(error.message))`;
  const said = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 });
  expect(said).toBe(`cannot read ${pipe}: it is no regular file\n`);
  expect(() => openInput(dir)).toThrow(/it is a folder/);
  rmSync(dir, { recursive: true });
});
