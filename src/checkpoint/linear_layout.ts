// The two layouts of linear weights: (in, out) at Hugging Face's GPT-1 and GPT-2 and here, (out, in) in nanoGPT and llm.c.

const LINEAR = /\.(c_attn|c_proj|c_fc)\.weight$/;

/** Whether a parameter, by its name at Hugging Face, is a linear weight. */
export const isLinearWeight = (name: string): boolean => LINEAR.test(name);

// A block of 32 x 32 floats stays in the first-level cache.
const BLOCK = 32;

/** (rows, columns) to (columns, rows). */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let i0 = 0; i0 < rows; i0 += BLOCK) {
    const i1 = Math.min(i0 + BLOCK, rows);
    for (let j0 = 0; j0 < columns; j0 += BLOCK) {
      const j1 = Math.min(j0 + BLOCK, columns);
      for (let i = i0; i < i1; i++) {
        for (let j = j0; j < j1; j++) out[j * rows + i] = values[i * columns + j]!;
      }
    }
  }
  return out;
}
