// Foreign code on foreign bytes, for a limited time: fzstd does not look where a block ends, and 18 bytes keep it busy for
// minutes. Only V8's watchdog stops a loop that never returns; it belongs to a script of node:vm.

import { createContext, Script } from 'node:vm';

const sandbox = createContext({ work: () => {} });
const call = new Script('work()');

/** Runs `work`, which returns nothing to wait for. Throws what it throws, and an Error after so many milliseconds. */
export function withinTime<T>(milliseconds: number, work: () => T): T {
  let result: { readonly value: T } | undefined;
  sandbox['work'] = () => {
    result = { value: work() };
  };
  call.runInContext(sandbox, { timeout: Math.ceil(milliseconds) });
  return result!.value;
}
