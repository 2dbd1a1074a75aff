// A FileSystem that works on the real disk until its n-th call.
//   fail   that one call throws EIO, as a bad disk would
//   full   from then on nothing can be written: ENOSPC, while removing still works
//   kill   that and all later calls throw, as if the process were gone, so that no clean-up happens either
// A write that breaks leaves half of its bytes behind.

import { type FileSystem, nodeFileSystem } from '../../src/base/files.js';

export const FAULTS = ['fail', 'full', 'kill'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultyDisk extends FileSystem {
  /** Names of the calls so far, the broken one included. */
  readonly calls: string[];
}

const NEEDS_SPACE = ['write', 'mkdir', 'fsync'];

/** `at` counts from 0; Infinity never breaks. fsync is counted and not done: no test pulls the plug. */
export function faultyDisk(at: number, fault: Fault): FaultyDisk {
  const calls: string[] = [];
  const broken = (name: string): boolean => {
    const index = calls.push(name) - 1;
    if (fault === 'full') return index >= at && NEEDS_SPACE.includes(name);
    return index === at || (fault === 'kill' && index > at);
  };
  const full = { code: 'ENOSPC', errno: -28 };
  const bad = { code: 'EIO', errno: -5 };
  const guarded =
    <A extends unknown[], R>(name: string, call: (...args: A) => R, half?: (...args: A) => void) =>
    (...args: A): R => {
      if (!broken(name)) return call(...args);
      if (calls.length - 1 === at) half?.(...args);
      throw Object.assign(new Error(`${name} broke`), { ...(fault === 'full' ? full : bad), syscall: name });
    };
  return {
    calls,
    open: guarded('open', nodeFileSystem.open),
    write: guarded('write', nodeFileSystem.write, (fd, bytes) => {
      nodeFileSystem.write(fd, bytes.subarray(0, bytes.length >> 1));
    }),
    fsync: guarded('fsync', () => undefined),
    close: guarded('close', nodeFileSystem.close, nodeFileSystem.close),
    rename: guarded('rename', nodeFileSystem.rename),
    mkdir: guarded('mkdir', nodeFileSystem.mkdir),
    rm: guarded('rm', nodeFileSystem.rm),
    freeBytes: nodeFileSystem.freeBytes,
  };
}
