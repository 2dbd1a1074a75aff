// Bundles tfjs-core's gradient table once into build/tfjs_gradients.mjs.
//
// `import '@tensorflow/tfjs-core'` registers no gradients under Node, and its dist/register_all_gradients.js cannot be
// imported there (extensionless ES imports inside a CommonJS package). Engine and registries are process-wide
// globals, so the second copy of the ops inside the bundle is harmless. Costs 10 ms at import.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const core = path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json'));
mkdirSync(path.join(root, 'build'), { recursive: true });
await build({
  stdin: { contents: `import ${JSON.stringify(path.join(core, 'dist/register_all_gradients.js'))};`, resolveDir: root },
  outfile: path.join(root, 'build/tfjs_gradients.mjs'),
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
});
