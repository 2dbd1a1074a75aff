// Cases of the embedding kernels. Mathematics: ops/embedding/embedding.ts.

import { elements } from '../base/array.js';
import { BF16_TOLERANCE, type CaseSize, type CaseTensor, integers, type KernelCase, normal } from './kernel_case.js';

interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly C: number;
  readonly V: number;
  readonly first: number;
}

const label = ({ B, T, C, V, first }: Sizes, bf16: boolean, more = '') =>
  `B=${B} T=${T} C=${C} V=${V}${first > 0 ? ` first=${first}` : ''}${more} ${bf16 ? 'bf16' : 'f32'}`;

const isToken = (id: number, { V }: Sizes) => id >= 0 && id < V;

function forward(sizes: Sizes, bf16: boolean, ids: CaseTensor): KernelCase {
  const { B, T, C, V, first } = sizes;
  const wte = normal([V, C], bf16);
  const wpe = normal([first + T + 1, C], bf16);
  return {
    kernel: 'GptEmbedding',
    label: label(sizes, bf16),
    inputs: [ids, wte, wpe],
    outputs: [[B, T, C]],
    attrs: [B, T, C, V, first],
    tolerance: bf16 ? BF16_TOLERANCE : 1e-7,
    expected() {
      const x = new Float64Array(B * T * C);
      for (let e = 0; e < x.length; e++) {
        const n = Math.floor(e / C);
        const id = ids.values[n]!;
        const position = first + (n % T);
        x[e] = isToken(id, sizes) ? wte.values[id * C + (e % C)]! + wpe.values[position * C + (e % C)]! : Number.NaN;
      }
      return [x];
    },
  };
}

function gradient(sizes: Sizes, bf16: boolean, ids: CaseTensor, more = ''): KernelCase {
  const { B, T, C, V, first } = sizes;
  const dx = normal([B, T, C], bf16);
  const dwte = normal([V, C]);
  const dwpe = normal([first + T + 1, C]);
  return {
    kernel: 'GptEmbeddingGrad',
    label: label(sizes, bf16, more),
    inputs: [ids, dx],
    outputs: [{ update: dwte }, { update: dwpe }],
    attrs: [B, T, C, first],
    tolerance: 2e-6,
    expected() {
      const tokens = Float64Array.from(dwte.values);
      const positions = Float64Array.from(dwpe.values);
      for (let e = 0; e < B * T * C; e++) {
        const n = Math.floor(e / C);
        const id = ids.values[n]!;
        if (isToken(id, sizes)) tokens[id * C + (e % C)]! += dx.values[e]!;
        positions[(first + (n % T)) * C + (e % C)]! += dx.values[e]!;
      }
      return [tokens, positions];
    },
  };
}

/** Ids of which every second one is `id`, and those at the given places are outside the vocabulary. */
function crowded({ B, T, V }: Sizes, id: number, outside: readonly number[]): CaseTensor {
  const { shape, values } = integers([B, T], 0, V);
  const ids = Int32Array.from(values, (x, n) => (n % 2 === 1 ? id : x));
  outside.forEach((n, i) => {
    ids[n] = [-1, V, V + 5][i % 3]!;
  });
  return { shape, values: ids };
}

/** The n-th most frequent id occurs about 1 / n as often as the first one, as words do. */
function natural({ B, T, V }: Sizes): CaseTensor {
  const { shape, values } = integers([B, T], 0, 2 ** 24);
  return { shape, values: Int32Array.from(values, (x) => Math.floor(V ** (x / 2 ** 24)) - 1) };
}

function small(): KernelCase[] {
  const cases: KernelCase[] = [];
  const forwardSizes: Sizes[] = [
    { B: 2, T: 5, C: 12, V: 11, first: 2 }, //   fewer packs than lanes, more than one block of 8 rows
    { B: 1, T: 3, C: 7, V: 5, first: 0 }, //     no whole packs
    { B: 3, T: 3, C: 35, V: 9, first: 1 }, //    ... and more columns than lanes
    { B: 1, T: 2, C: 264, V: 4, first: 0 }, //   packs for more than one turn of the warp, in both types
  ];
  for (const bf16 of [false, true]) {
    for (const sizes of forwardSizes) cases.push(forward(sizes, bf16, integers([sizes.B, sizes.T], 0, sizes.V)));
    const sizes = { B: 2, T: 4, C: 16, V: 6, first: 0 };
    cases.push(forward(sizes, bf16, crowded(sizes, 5, [0, 3, 6])));
  }

  const gradientSizes: [Sizes, number, number[]][] = [
    [{ B: 2, T: 1100, C: 8, V: 300, first: 3 }, 7, [0, 5, 2199]], //   two blocks to sort; one id in more than 32 pieces
    [{ B: 3, T: 11, C: 3, V: 5, first: 0 }, 4, [32]], //               no whole packs; the last id goes on into a tail
    [{ B: 5, T: 20, C: 264, V: 256, first: 1 }, 255, [1, 2, 3, 99]], // chunks of columns; ids outside need a second digit
    [{ B: 2, T: 20, C: 133, V: 40, first: 0 }, 0, []], //              chunks without whole packs
    [{ B: 1, T: 50, C: 1, V: 70_000, first: 0 }, 69_999, [7]], //      three digits
    [{ B: 1, T: 1, C: 4, V: 1, first: 2 }, 0, []],
  ];
  for (const bf16 of [false, true]) {
    for (const [sizes, id, outside] of gradientSizes) {
      cases.push(gradient(sizes, bf16, crowded(sizes, id, outside), ` half ${id}`));
    }
    const sizes = { B: 4, T: 24, C: 8, V: 9, first: 0 };
    const one = { shape: [4, 24], values: new Int32Array(96).fill(2) };
    cases.push(gradient(sizes, bf16, one, ' all 2'));
    cases.push(gradient({ ...sizes, V: 2000 }, bf16, integers([4, 24], 0, 2000)));
  }
  return cases;
}

function large(): KernelCase[] {
  const cases: KernelCase[] = [];
  const zeros = (shape: number[], bf16 = false): CaseTensor => ({
    shape,
    values: new Float32Array(elements(shape)),
    bf16,
  });
  for (const B of [8, 64]) {
    const sizes = { B, T: 1024, C: 768, V: 50_257, first: 0 };
    const { T, C, V, first } = sizes;
    const ids = natural(sizes);
    const rows = new Set(ids.values).size;
    for (const bf16 of [false, true]) {
      const bytes = B * T * C * (bf16 ? 2 : 4);
      const given = { label: label(sizes, bf16), tolerance: 0 };
      cases.push({
        ...given,
        kernel: 'GptEmbedding',
        inputs: [ids, zeros([V, C], bf16), zeros([T, C], bf16)],
        outputs: [[B, T, C]],
        attrs: [B, T, C, V, first],
        bytes: 2 * bytes,
      });
      cases.push({
        ...given,
        kernel: 'GptEmbeddingGrad',
        inputs: [ids, zeros([B, T, C], bf16)],
        outputs: [{ update: zeros([V, C]) }, { update: zeros([T, C]) }],
        attrs: [B, T, C, first],
        bytes: 2 * bytes + 8 * (rows + T) * C,
      });
    }
  }
  return cases;
}

export function embeddingCases(size: CaseSize): KernelCase[] {
  return size === 'small' ? small() : large();
}
