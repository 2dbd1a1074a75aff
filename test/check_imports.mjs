// `npm run check`: imports point downwards, and what belongs to one place stays there.   node check_imports.mjs [FOLDER]
//
// The rules on imports are in .dependency-cruiser.cjs. They must have seen modules: with a TypeScript that it does not
// know, dependency-cruiser finds none and is content. Three more rules are on words in the code, without comments.
// Exits with 1 on a violation.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.resolve(process.argv[2] ?? repository);
const cruiser = path.join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = path.join(repository, '.dependency-cruiser.cjs');
const cruise = spawnSync(process.execPath, [cruiser, '--config', rules, '--output-type', 'json', 'src'], {
  cwd: folder,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
if (cruise.stdout === '') throw new Error(`dependency-cruiser failed: ${cruise.stderr}`);
const { summary, modules } = JSON.parse(cruise.stdout);
const problems = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`);
const seen = modules.filter(({ source }) => source.startsWith('src/')).length;

const words = [
  { rule: 'environment-only-in-cli', word: /process\.env\b/, allowed: /^src\/(cli|api)\// },
  { rule: 'terminal-only-in-cli', word: /process\.(stdout|stderr)\b/, allowed: /^src\/cli\// },
  { rule: 'addons-only-in-backends', word: /\.node['"`]/, allowed: /^src\/backends\// },
];
const files = readdirSync(path.join(folder, 'src'), { recursive: true })
  .map((name) => `src/${name}`)
  .filter((name) => name.endsWith('.ts'));
for (const file of files) {
  const code = readFileSync(path.join(folder, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  for (const { rule, word, allowed } of words) {
    if (!allowed.test(file) && word.test(code)) problems.push(`${rule}: ${file} says ${word.exec(code)[0]}`);
  }
}

if (seen < files.length || seen === 0) problems.push(`dependency-cruiser saw ${seen} of ${files.length} files in src`);
for (const problem of problems) console.error(problem);
console.log(`imports: ${seen} modules, ${problems.length} violations`);
process.exit(problems.length === 0 ? 0 : 1);
