// Softmax over the last axis on the GPU. Formula: softmax.ts.
//
// x (N,C) -> y (N,C). A warp or, for long rows, a block a row: one read finds maximum and sum together (the sum is
// rescaled when a larger element comes; Milakov and Gimelshein 2018), a second one, from the L1 or L2 cache, writes y.
// Bytes: 8 an element. Sums: few numbers a thread, then a tree.
#include "../../../backends/cuda/device.cuh"

constexpr float kSoftmaxLowest = -3.4028235e38f;  // not -infinity: an x of -infinity less this is no NaN

// The largest of a thread's elements, and the sum of exp(x - largest). A NaN among them makes the sum NaN.
struct SoftmaxPart {
  float largest = kSoftmaxLowest, sum = 0.0f;

  DEVICE void add(float x) {
    if (x > largest) {
      sum = sum * expf(largest - x) + 1.0f;
      largest = x;
    } else {
      sum += expf(x - largest);
    }
  }
};

KERNEL(256, softmax_warps_f32, const float* __restrict__ x, i64 N, int C, float* __restrict__ y) {
  const int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
  const i64 step = static_cast<i64>(gridDim.x) * warps;
  for (i64 row = static_cast<i64>(blockIdx.x) * warps + (threadIdx.x >> 5); row < N; row += step) {
    const float* from = x + row * C;
    SoftmaxPart part;
#pragma unroll 4
    for (int c = lane; c < C; c += 32) part.add(from[c]);
    const float largest = warp_max(part.largest);
    // largest - largest: a row with an infinity is NaN
    const float sum = warp_sum(part.sum * expf(part.largest - largest)) + (largest - largest);
    float* to = y + row * C;
#pragma unroll 4
    for (int c = lane; c < C; c += 32) to[c] = expf(from[c] - largest) / sum;
  }
}

KERNEL(1024, softmax_blocks_f32, const float* __restrict__ x, i64 C, float* __restrict__ y) {
  KERNEL_SHARED(float, shared);
  const float* from = x + blockIdx.x * C;
  SoftmaxPart part;
#pragma unroll 4
  for (i64 c = threadIdx.x; c < C; c += blockDim.x) part.add(from[c]);
  const float largest = block_max(part.largest, shared);
  const float sum = block_sum(part.sum * expf(part.largest - largest), shared) + (largest - largest);
  float* to = y + blockIdx.x * C;
#pragma unroll 4
  for (i64 c = threadIdx.x; c < C; c += blockDim.x) to[c] = expf(from[c] - largest) / sum;
}
