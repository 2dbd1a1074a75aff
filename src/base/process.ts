// Processes of this machine, by number. What Linux tells in /proc is '' or undefined elsewhere.
// Numbers belong to a PID namespace: a process of another container may run, and not be found by its number here.

import { readFileSync, readlinkSync } from 'node:fs';

/** Whether a process of this number runs here. A zombie does not: it has ended, and its parent has not noticed. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = statOf(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** What tells a process from a later one of the same number: boot and start time, in clock ticks since the boot. */
export function born(pid: number): string {
  const boot = textOf('/proc/sys/kernel/random/boot_id')?.trim();
  const started = statOf(pid)?.[19];
  return boot === undefined || started === undefined ? '' : `${boot} ${started}`;
}

/** The PID namespace of this process, "pid:[4026531836]": unique until the next boot. */
export function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Fields of /proc/PID/stat from the state on, which is field 3: "4711 (name, may hold spaces) S ...". */
const statOf = (pid: number): string[] | undefined =>
  textOf(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
