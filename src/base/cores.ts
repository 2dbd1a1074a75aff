// How many threads may run at a time: the cores that this process may use, and no more than its cgroup has time for.
// (os.availableParallelism() of Node 20 knows the first and not the second: in a container with --cpus 2 on a machine of 64
// cores, 64 threads would wait for each other.)

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

/** Threads that can run at a time, at least 1. `read`: the text of a file, undefined where there is none. */
export function availableCores(read: (path: string) => string | undefined = textOf): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupCores(read))));
}

/** Cores' worth of time of the tightest cgroup around this process; Infinity without a limit. Linux only. */
export function cgroupCores(read: (path: string) => string | undefined): number {
  const limits = [Number.POSITIVE_INFINITY];
  for (const line of read('/proc/self/cgroup')?.split('\n') ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const unified = controllers === ''; // version 2; of version 1 the hierarchy of cpu
    if (!unified && !controllers!.split(',').includes('cpu')) continue;
    for (let group = path; ; group = posix.dirname(group)) {
      const file = (name: string) => read(posix.join('/sys/fs/cgroup', unified ? '' : controllers!, group, name));
      const [quota, period] = unified
        ? (file('cpu.max')?.trim().split(' ') ?? [])
        : [file('cpu.cfs_quota_us'), file('cpu.cfs_period_us')];
      const cores = Number(quota) / Number(period);
      if (cores > 0) limits.push(cores); // "max" and -1: none
      if (group === '/') break;
    }
  }
  return Math.min(...limits);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
