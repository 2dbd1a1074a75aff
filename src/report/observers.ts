// Ways to put observers of a run together.

import type { Reporter } from '../base/events.js';

/** Two observers as one: the first sees each event first. */
export function both(first: Reporter, second: Reporter): Reporter {
  return {
    on: (event) => {
      first.on(event);
      second.on(event);
    },
    close: async () => {
      try {
        await first.close();
      } finally {
        await second.close();
      }
    },
  };
}

/** A log that cannot be written ends the run as a signal does, saved; check() then throws what went wrong. */
export function untilItFails(reporter: Reporter, onFailure: () => void): Reporter & { readonly check: () => void } {
  const failures: unknown[] = [];
  return {
    on: (event) => {
      if (failures.length > 0) return;
      try {
        reporter.on(event);
      } catch (error) {
        failures.push(error);
        onFailure();
      }
    },
    check: () => {
      if (failures.length > 0) throw failures[0];
    },
    close: () => reporter.close(),
  };
}
