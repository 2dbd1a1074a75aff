// The whole model against PyTorch in float64: logits, loss, every gradient, three updates, on native and on cpu.

import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { parity } from '../../src/commands/parity.js';
import { native } from '../ops/parity.js';
import { FOLDERS, larger } from './reference.js';

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  async function check(folder: string) {
    await tf.setBackend(backend);
    const tensors = tf.memory().numTensors;
    const { rows, ok } = await parity(folder);
    expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
    expect(ok).toBe(true);
    expect(rows.length).toBe(9);
    // the anchor of the tape, made at the first use, stays
    expect(tf.memory().numTensors - tensors).toBeLessThanOrEqual(1);
  }

  test.skipIf(none).each(FOLDERS.map((folder) => [path.basename(folder), folder]))('%s', (_, folder) => check(folder));

  const title = larger !== undefined ? 'gpt2-tiny' : 'gpt2-tiny (skipped: ../shared/fixtures is not here)';
  test.skipIf(none || larger === undefined)(title, () => check(larger!));
});
