// A vitest reporter that closes the run with one plain line: "N passed, N failed, N skipped".

import type { Reporter, TestModule } from 'vitest/node';

export const closingLine: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let broken = unhandled.length; // errors outside of any test, files that do not load
    for (const module of modules) {
      if (module.errors().length > 0) broken++;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    process.on('exit', () => {
      process.stdout.write(
        `${count.passed} passed, ${count.failed + count.pending + broken} failed, ${count.skipped} skipped\n`,
      );
    });
  },
};
