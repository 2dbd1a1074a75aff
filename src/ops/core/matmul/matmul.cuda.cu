// Batched matrix products on the GPU: what cuBLASLt leaves over, which is a product over no elements (K = 0) with a
// bias.
#include "../../../backends/cuda/device.cuh"

// c (rows, N) = bias (N)
KERNEL(256, matmul_bias_f32, const float* __restrict__ bias, i64 size, i64 N, float* __restrict__ c) {
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; i < size; i += step) c[i] = bias[i % N];
}
