// LoRA adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685): which linear layers have one, under which names and shapes.
//
//   y = x W + b + (alpha / r) dropout(x) A B        W (in, out), A (in, r), B (r, out)
//
// The adapter of transformer.h.0.attn.c_attn is transformer.h.0.attn.c_attn.lora_A and .lora_B. Targets are chosen by the
// end of a layer's name, as PEFT does: "c_proj" means attn.c_proj and mlp.c_proj. The model's part: model/lora.ts;
// PEFT's folder: checkpoint/peft.ts.

import { ConfigError } from '../base/errors.js';
import { quoted } from '../base/format.js';
import type { ResolvedModel } from './model_shape.js';
import { parameterShapes } from './parameters.js';
import type { LoraConfig } from './schema.js';

/** Linear layers of the blocks, in the model's order: name -> [in, out]. */
export function linearLayers(model: ResolvedModel): Map<string, readonly [number, number]> {
  const weights = [...parameterShapes(model)].filter(([name]) => /\.c_\w+\.weight$/.test(name));
  return new Map(weights.map(([name, shape]) => [name.replace(/\.weight$/, ''), shape as [number, number]]));
}

const means = (target: string, layer: string): boolean => layer === target || layer.endsWith(`.${target}`);

/** Those of the targets that mean no linear layer. */
export function unknownTargets(model: ResolvedModel, targets: readonly string[]): string[] {
  const layers = [...linearLayers(model).keys()];
  return targets.filter((target) => !layers.some((layer) => means(target, layer)));
}

/**
 * Names of the linear layers that one of these targets means, in the model's order. Throws ConfigError for a target that
 * means none.
 */
export function targetedLayers(model: ResolvedModel, targets: readonly string[]): string[] {
  const unknown = unknownTargets(model, targets);
  if (unknown.length > 0) {
    throw new ConfigError(
      `lora.target_modules: ${unknown.map(quoted).join(', ')} is the end of no linear layer's name`,
      'name some of c_attn, attn.c_proj, c_fc, mlp.c_proj; c_proj means both of its kind',
    );
  }
  return [...linearLayers(model).keys()].filter((layer) => targets.some((target) => means(target, layer)));
}

/** Adapter name -> shape, in the model's order, A before B. Throws ConfigError as targetedLayers(). */
export function adapterShapes(
  model: ResolvedModel,
  { r, target_modules }: Pick<LoraConfig, 'r' | 'target_modules'>,
): Map<string, [number, number]> {
  const layers = linearLayers(model);
  const shapes = new Map<string, [number, number]>();
  for (const layer of targetedLayers(model, target_modules)) {
    const [inputs, outputs] = layers.get(layer)!;
    shapes.set(`${layer}.lora_A`, [inputs, r]);
    shapes.set(`${layer}.lora_B`, [r, outputs]);
  }
  return shapes;
}
