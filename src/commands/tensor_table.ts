// Every tensor of a model that came from elsewhere: what it became here, or why it was ignored.

import { short } from '../base/format.js';
import type { TensorReport } from '../checkpoint/tensor_report.js';

/** One line for each; `indent` stands before them. */
export function tensorTable({ used, ignored, zero }: TensorReport, indent: string): string {
  const rows = [
    ...used.map(({ name, shape, dtype, parameter, transposed }) => {
      const is = name === parameter && !transposed ? '' : `-> ${parameter}${transposed ? ', transposed' : ''}`;
      return { fate: 'used', name, type: `${dtype} [${shape.join(', ')}]`, is };
    }),
    ...ignored.map(({ name, shape, dtype, why }) => ({
      ...{ fate: 'ignored', name: short(name, 80), type: `${dtype} [${shape.join(', ')}]`, is: why },
    })),
    ...zero.map((name) => ({ fate: 'zero', name, type: '', is: '' })),
  ];
  const width = (key: 'name' | 'type'): number => Math.max(0, ...rows.map((row) => row[key].length));
  const [names, types] = [width('name'), width('type')];
  return rows
    .map(({ fate, name, type, is }) =>
      `${indent}${fate.padEnd(7)}  ${name.padEnd(names)}  ${type.padEnd(types)}  ${is}`.trimEnd().concat('\n'),
    )
    .join('');
}
