// Cases of GptConvert (src/backends/cuda/convert.cc), from bfloat16 to float32. The other way: GptRoundWeights.

import { type CaseSize, type KernelCase, normal } from './kernel_case.js';

export function convertCases(size: CaseSize): KernelCase[] {
  const lengths = size === 'large' ? [1 << 26] : [1, 7, 8, 2049, 5000];
  return lengths.map((n) => {
    const x = normal([n], true);
    return {
      kernel: 'GptConvert',
      label: `bf16 n=${n}`,
      inputs: [x],
      outputs: [[n]],
      attrs: [],
      tolerance: 0,
      bytes: 6 * n,
      ...(size === 'large' ? {} : { expected: () => [Float64Array.from(x.values)] }),
    };
  });
}
