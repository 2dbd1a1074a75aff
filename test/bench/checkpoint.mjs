// How long a save of a 124M model with Adam's moments (1.5 GB) keeps training waiting, against the disk: the same bytes
// written to one file and fsynced.   node test/bench/checkpoint.mjs [FOLDER] [TIMES]   (after npm run build)
// Then how long a resume reads. The files stay in the system's cache: a cold disk adds its own time.
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toGenerationConfig, toHfConfig } from '../../dist/checkpoint/hf.js';
import { publishInBackground } from '../../dist/checkpoint/publish.js';
import { CheckpointStore, loadCheckpoint } from '../../dist/checkpoint/store.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { parameterShapes } from '../../dist/config/parameters.js';
import { ModelConfig } from '../../dist/config/schema.js';

const [folder = tmpdir(), times = '3'] = process.argv.slice(2);
const dir = mkdtempSync(path.join(folder, 'gpt-checkpoint-'));
const model = resolveModel(ModelConfig.parse({}), 50257);
const tensors = (prefix) =>
  [...parameterShapes(model)].map(([name, shape]) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(Math.random());
    return { name: prefix + name, shape, data: () => values };
  });
const content = {
  hfConfig: toHfConfig(model, 50256),
  generationConfig: toGenerationConfig(50256),
  tokenizerJson: '{}',
  params: tensors(''),
  optimizer: [...tensors('m.'), ...tensors('v.')],
  state: { step: 1, tokens: 1, seconds: 1, best_val_loss: null, best_step: null, seed: 1, config: {}, origins: {} },
};
content.state.data_fingerprint = 'x';

function rawDisk() {
  const file = path.join(dir, 'raw');
  const started = performance.now();
  const fd = openSync(file, 'w');
  let bytes = 0;
  for (const { data } of [...content.params, ...content.optimizer]) bytes += writeSync(fd, data());
  const written = performance.now();
  fsyncSync(fd);
  closeSync(fd);
  const seconds = (performance.now() - started) / 1000;
  rmSync(file);
  return { bytes, seconds, writing: (written - started) / 1000 };
}

const s = (x) => `${x.toFixed(2)} s`;
try {
  const store = new CheckpointStore(path.join(dir, 'run'), undefined, publishInBackground);
  for (let i = 1; i <= Number(times); i++) {
    const disk = rawDisk();
    const started = performance.now();
    const cpu = process.cpuUsage();
    const { published, bytes } = await store.save(i, content, { best: false, keep: 1 });
    const blocked = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const publishing = await published;
    const bound = (1.5 * bytes) / (disk.bytes / disk.seconds);
    console.log(
      `${(bytes / 1e9).toFixed(2)} GB; disk ${(disk.bytes / disk.seconds / 1e6).toFixed(0)} MB/s (${s(disk.seconds)}, writes ${s(disk.writing)}); ` +
        `training blocked ${s(blocked)} (cpu ${s((user + system) / 1e6)}), 1.5 x bytes/bandwidth = ${s(bound)}; published ${s(publishing)} later`,
    );
  }
  const started = performance.now();
  const checkpoint = loadCheckpoint(path.join(dir, 'run'), 'latest');
  let sum = 0;
  for (const read of [...checkpoint.tensors.values(), ...checkpoint.trainer.optimizer.values()]) sum += read()[0];
  checkpoint.close();
  console.log(`read back in ${s((performance.now() - started) / 1000)}`, sum === 0 ? '?' : '');
} finally {
  rmSync(dir, { recursive: true });
}
