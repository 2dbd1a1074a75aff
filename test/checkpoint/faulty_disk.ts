// A FileSystem that works on the real disk until its n-th call. fail: that one call throws EIO, as a bad disk would.
// kill: it and all later calls throw, as if the process were gone, so that no clean-up happens either.
// A write that breaks leaves half of its bytes behind.

import { type FileSystem, nodeFileSystem } from '../../src/base/files.js';

export type Fault = 'fail' | 'kill';

export interface FaultyDisk extends FileSystem {
  /** Names of the calls so far, the broken one included. */
  readonly calls: string[];
}

/** `at` counts from 0; Infinity never breaks. fsync is counted and not done: no test pulls the plug. */
export function faultyDisk(at: number, fault: Fault): FaultyDisk {
  const calls: string[] = [];
  const broken = (name: string): boolean => {
    calls.push(name);
    const index = calls.length - 1;
    return index === at || (fault === 'kill' && index > at);
  };
  const guarded =
    <A extends unknown[], R>(name: string, call: (...args: A) => R, half?: (...args: A) => void) =>
    (...args: A): R => {
      if (!broken(name)) return call(...args);
      if (calls.length - 1 === at) half?.(...args);
      throw Object.assign(new Error(`${name} broke`), { code: 'EIO', errno: -5, syscall: name });
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
  };
}
