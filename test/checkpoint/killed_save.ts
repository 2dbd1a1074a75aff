// Run as a process of its own: saves step 200 into a run folder and kills itself (SIGKILL) at the n-th change of the
// disk, in the middle of it where it is a write.   killed_save RUN_DIR N

import { CheckpointStore } from '../../src/checkpoint/store.js';
import { faultyDisk } from './faulty_disk.js';
import { tinyContent } from './tiny_checkpoint.js';

const [dir, at] = process.argv.slice(2);
const disk = faultyDisk(Number(at), 'kill');
for (const name of ['open', 'write', 'fsync', 'close', 'rename', 'mkdir', 'rm'] as const) {
  const call = disk[name] as (...args: unknown[]) => unknown;
  Object.assign(disk, {
    [name]: (...args: unknown[]) => {
      try {
        return call(...args);
      } catch {
        return process.kill(process.pid, 'SIGKILL');
      }
    },
  });
}
const { published } = await new CheckpointStore(dir!, disk).save(200, tinyContent(200), { best: true });
await published;
