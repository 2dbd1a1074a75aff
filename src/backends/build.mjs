// Builds the native addon into build/native, or the folder given, with CMake. Runs at `npm ci`.
//
// Without cmake or a C++ compiler this says what is missing in one line and succeeds: gpt then runs on TensorFlow.js's
// portable backends. GPT_REQUIRE_NATIVE=1 makes a failed build an error (CI).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? path.join(here, '../../build/native');
const require = createRequire(import.meta.url);
const nodeApi = path.join(path.dirname(require.resolve('node-api-headers/package.json')), 'include');
const addonApi = path.dirname(require.resolve('node-addon-api/package.json'));

function giveUp(why) {
  console.error(`gpt: the native backend was not built: ${why}`);
  console.error('gpt: training will run on the portable backends, about 50 times slower. On Debian or Ubuntu:');
  console.error('gpt:   sudo apt-get install -y g++ cmake && npm run build:native');
  process.exit(process.env.GPT_REQUIRE_NATIVE ? 1 : 0);
}

const run = (args) => spawnSync('cmake', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
if (run(['--version']).error) giveUp('cmake is not installed');
mkdirSync(out, { recursive: true });
const configure = run([
  '-S',
  here,
  '-B',
  out,
  '-DCMAKE_BUILD_TYPE=Release',
  `-DNODE_API_INCLUDE=${nodeApi}`,
  `-DNODE_ADDON_API_INCLUDE=${addonApi}`,
  ...(process.env.GPT_CMAKE_ARGS ?? '').split(' ').filter(Boolean),
]);
if (configure.status !== 0) {
  giveUp(
    /No CMAKE_CXX_COMPILER|could not find any/.test(configure.stderr) ? 'no C++ compiler' : configure.stderr.trim(),
  );
}
const build = run(['--build', out, '-j', String(availableParallelism())]);
if (build.status !== 0) giveUp(`${build.stdout}\n${build.stderr}`.trim());
if (!existsSync(path.join(out, 'native.node'))) giveUp('the compiler made no native.node');
console.log('gpt: native backend built');
