// All cases of `gpt selftest`.

import { attentionCases } from './attention.js';
import { convertCases } from './convert.js';
import { coreCases } from './core.js';
import { dropoutCases } from './dropout.js';
import { embeddingCases } from './embedding.js';
import { headLossCases } from './head_loss.js';
import type { CaseSize, KernelCase } from './kernel_case.js';
import { layernormCases } from './layernorm.js';
import { linearCases } from './linear.js';
import { mlpCases } from './mlp.js';
import { optimizerCases } from './optimizer.js';

/** Every kernel, in every way that it works. */
export function allCases(size: CaseSize): KernelCase[] {
  return [
    ...embeddingCases(size),
    ...layernormCases(size),
    ...linearCases(size),
    ...attentionCases(size),
    ...mlpCases(size),
    ...dropoutCases(size),
    ...headLossCases(size),
    ...optimizerCases(size),
    ...convertCases(size),
    ...coreCases(size),
  ];
}
