// Sums over rows (gradients of biases and of layer-norm parameters) in two stages, in a fixed order.
//
// column_sum: a matrix (M,N) -> partial sums (chunks,N). A block takes 32 packs of columns (16 bytes a lane, coalesced)
// and a chunk of rows, every eighth row a warp; its 8 warps are added in shared memory. One read of the matrix.
// add_partials: to[j] += the sum of column j of the partial sums (P rows). 32 columns and 32 groups of rows a block.
#include "device.cuh"

template <class T, int W>
DEVICE void column_sum(float* partial, const T* matrix, float* shared, i64 M, i64 N, i64 stride, i64 chunk) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const i64 column = (static_cast<i64>(blockIdx.x) * 32 + lane) * W;
  const i64 first = blockIdx.y * chunk, last = first + chunk < M ? first + chunk : M;
  float sum[W] = {};
  if (column < N) {
#pragma unroll 4
    for (i64 row = first + warp; row < last; row += 8) {
      const Pack<T, W> in = *reinterpret_cast<const Pack<T, W>*>(matrix + row * stride + column);
#pragma unroll
      for (int k = 0; k < W; k++) sum[k] += to_float(in.at[k]);
    }
  }
#pragma unroll
  for (int k = 0; k < W; k++) shared[(warp * 32 + lane) * W + k] = sum[k];
  __syncthreads();
  const i64 mine = static_cast<i64>(blockIdx.x) * 32 * W + threadIdx.x;
  if (threadIdx.x < 32 * W && mine < N) {
    float total = 0.0f;
#pragma unroll
    for (int w = 0; w < 8; w++) total += shared[w * 32 * W + threadIdx.x];
    partial[blockIdx.y * N + mine] = total;
  }
}

// shared: 256 packs of floats. wide: N and the stride are multiples of a pack, the matrix is aligned.
KERNEL(256, column_sum_f32, float* partial, const float* matrix, i64 M, i64 N, i64 stride, i64 chunk, int wide) {
  KERNEL_SHARED(float, shared);
  if (wide)
    column_sum<float, 4>(partial, matrix, shared, M, N, stride, chunk);
  else
    column_sum<float, 1>(partial, matrix, shared, M, N, stride, chunk);
}

KERNEL(256, column_sum_bf16, float* partial, const bf16* matrix, i64 M, i64 N, i64 stride, i64 chunk, int wide) {
  KERNEL_SHARED(float, shared);
  if (wide)
    column_sum<bf16, 8>(partial, matrix, shared, M, N, stride, chunk);
  else
    column_sum<bf16, 1>(partial, matrix, shared, M, N, stride, chunk);
}

// Blocks of grid.y = 0 add to to_0 (N), those of grid.y = 1 the N columns beside them to to_1. step: from one row of
// partial sums to the next.
KERNEL(1024, add_partials, float* to_0, float* to_1, const float* partial, i64 P, i64 N, i64 step) {
  KERNEL_SHARED(float, shared);  // 32 x 32
  const int lane = threadIdx.x & 31, group = threadIdx.x >> 5;
  const i64 column = static_cast<i64>(blockIdx.x) * 32 + lane;
  float sum = 0.0f;
  if (column < N) {
#pragma unroll 4
    for (i64 p = group; p < P; p += 32) sum += partial[p * step + blockIdx.y * N + column];
  }
  shared[group * 32 + lane] = sum;
  __syncthreads();
  if (group == 0 && column < N) {
    float* to = blockIdx.y == 0 ? to_0 : to_1;
    float total = 0.0f;
#pragma unroll
    for (int g = 0; g < 32; g++) total += shared[g * 32 + lane];
    to[column] += total;
  }
}
