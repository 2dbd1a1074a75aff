// What well-known GPUs can do at most, and how long they train: tokens, operations and hours, from the data sheets alone.
//
//   tokens a day = mfu * peak * 86,400 / (operations a token)
//   GPU-hours    = tokens * (operations a token) / (mfu * peak) / 3,600
//
// mfu, the share of the peak that training delivers, is what nobody can know beforehand: 0.3 to 0.5 is what well-tuned
// programs report, by the causal count of operations (arithmetic.ts).

/** A GPU of a data sheet. */
export interface Hardware {
  /** As `gpt plan --hardware` names it. */
  readonly key: string;
  readonly name: string;
  /** Dense bfloat16 products summed in float32, TFLOP/s at most. Data sheets often print twice that, with sparsity. */
  readonly tflops: number;
  /** Bytes of memory as sold: GB of 10^9. */
  readonly memory: number;
}

export const HARDWARE: readonly Hardware[] = [
  // NVIDIA H100 Tensor Core GPU data sheet, SXM: 1,979 with sparsity
  { key: 'h100', name: 'H100 SXM', tflops: 989, memory: 80e9 },
  // NVIDIA H200 Tensor Core GPU data sheet, SXM: 1,979 with sparsity
  { key: 'h200', name: 'H200', tflops: 989, memory: 141e9 },
  // NVIDIA A100 Tensor Core GPU data sheet: 312, 624 with sparsity; the larger of its two memories
  { key: 'a100', name: 'A100 80GB', tflops: 312, memory: 80e9 },
  // NVIDIA Ada GPU Architecture (white paper), appendix A: 165.2 with float32 sums, 330.4 with sparsity
  { key: 'rtx4090', name: 'RTX 4090', tflops: 165.2, memory: 24e9 },
  // NVIDIA L4 Tensor Core GPU data sheet: 242 with sparsity
  { key: 'l4', name: 'L4', tflops: 121, memory: 24e9 },
];

/** Hours of one device of `tflops` for so many operations, at a share `mfu` of its peak. */
export const deviceHours = (operations: number, tflops: number, mfu: number): number =>
  operations / (mfu * tflops * 1e12) / 3600;
