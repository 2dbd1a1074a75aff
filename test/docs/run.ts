// The commands of a page as tests, in order and in one folder: scripts/docs.mjs, with models and runs made tiny.

import { readFileSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';

interface Plan {
  readonly command: string;
  readonly skip?: string;
}

// A path in a variable: the script is plain JavaScript without types.
const script = new URL('../../scripts/docs.mjs', import.meta.url).href;
const { commandsOf, planOf, runCommand, workplace } = (await import(script)) as {
  commandsOf(markdown: string): string[];
  planOf(command: string, fast: boolean): Plan;
  runCommand(plan: Plan, dir: string): string | undefined;
  workplace(): string;
};

/** Defines a test for each command of the page, at least `least` of them. */
export function pageTests(file: string, least: number): void {
  describe(file, () => {
    const dir = workplace();
    afterAll(() => rmSync(dir, { recursive: true, force: true }));
    const plans = commandsOf(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).map((c) =>
      planOf(c, true),
    );

    test('has its commands', () => {
      expect(plans.length).toBeGreaterThanOrEqual(least);
    });

    for (const plan of plans) {
      const name = plan.skip === undefined ? plan.command : `${plan.command} (${plan.skip})`;
      test.skipIf(plan.skip !== undefined)(name, () => expect(runCommand(plan, dir)).toBeUndefined());
    }
  });
}
