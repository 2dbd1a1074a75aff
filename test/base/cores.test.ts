import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { availableCores, cgroupCores } from '../../src/base/cores.js';

const from = (files: Record<string, string>) => (path: string) => files[path];

test.each([
  ['no cgroups', {}, Number.POSITIVE_INFINITY],
  [
    'version 2, no limit',
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' },
    Number.POSITIVE_INFINITY,
  ],
  ['version 2, docker --cpus 1.5', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 1.5],
  [
    'version 2, the tightest of all around it',
    {
      '/proc/self/cgroup': '0::/user.slice/job.scope\n',
      '/sys/fs/cgroup/user.slice/job.scope/cpu.max': '800000 100000\n',
      '/sys/fs/cgroup/user.slice/cpu.max': '400000 100000\n',
    },
    4,
  ],
  [
    'version 1',
    {
      '/proc/self/cgroup': '12:memory:/\n3:cpu,cpuacct:/docker/1\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us': '100000\n',
    },
    0.5,
  ],
  ['nonsense', { '/proc/self/cgroup': 'x\n0::\n', '/sys/fs/cgroup/cpu.max': 'a b c' }, Number.POSITIVE_INFINITY],
] as [string, Record<string, string>, number][])('%s', (_, files, cores) => {
  expect(cgroupCores(from(files))).toBe(cores);
  expect(availableCores(from(files))).toBe(Math.max(1, Math.min(availableParallelism(), Math.ceil(cores))));
});
