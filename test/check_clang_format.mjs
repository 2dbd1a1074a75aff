// `npm run check`: the C++ sources are formatted as .clang-format says. Says so and passes where clang-format is missing.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const files = ['src', 'test/cuda/sim']
  .flatMap((folder) => readdirSync(path.join(root, folder), { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => /\.(cc|h|cu|cuh)$/.test(name));
const check = spawnSync('clang-format', ['--dry-run', '-Werror', ...files], { cwd: root, encoding: 'utf8' });
if (check.error) {
  console.log('clang-format: skipped, it is not installed (Debian: apt-get install clang-format)');
} else {
  process.stderr.write(check.stderr);
  console.log(
    `clang-format: ${files.length} files, ${check.status === 0 ? 'all formatted' : 'fix: clang-format -i FILE'}`,
  );
  process.exit(check.status === 0 && files.length > 0 ? 0 : 1);
}
