// Every relative link of README, CONTRIBUTING and docs/ leads to something.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs'), ...markdownIn('data')];

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

test.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
    .map(([, to]) => to!)
    .filter((to) => !/^[a-z]+:/.test(to));
  expect(links.filter((to) => !existsSync(join(root, dirname(page), to)))).toEqual([]);
});

test('there are pages, and README leads to the tutorial', () => {
  expect(pages.length).toBeGreaterThan(15);
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('(docs/tutorial.md)');
});
