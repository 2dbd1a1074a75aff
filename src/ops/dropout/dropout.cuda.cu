// Dropout on the GPU: the mask is recomputed from its counter, never stored. See dropout.ts and DropoutMask.
//
// A thread per 16 bytes: one Philox block for 4 elements of float32, two for 8 of bfloat16. x is read and y written
// once; the ten rounds of Philox take about as long as that does.
#include "../../backends/cuda/device.cuh"

template <class E>
DEVICE void dropout_packs(const E* __restrict__ x, E* __restrict__ y, i64 n, DropoutMask mask) {
  constexpr int kSize = Pack<E>::kSize;
  const i64 first = (static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x) * kSize;
  if (first >= n) return;
  float factor[kSize];
#pragma unroll
  for (int k = 0; k < kSize; k += 4) {
    float four[4];
    mask.four(static_cast<u32>((first + k) >> 2), four);
#pragma unroll
    for (int j = 0; j < 4; j++) factor[k + j] = four[j];
  }
  if (first + kSize <= n) {
    const Pack<E> v = *reinterpret_cast<const Pack<E>*>(x + first);
#pragma unroll
    for (int k = 0; k < kSize; k++) factor[k] *= to_float(v.at[k]);
    *reinterpret_cast<Pack<E>*>(y + first) = to_pack<E>(factor);
  } else {
#pragma unroll
    for (int k = 0; k < kSize; k++)
      if (first + k < n) y[first + k] = from_float<E>(to_float(x[first + k]) * factor[k]);
  }
}

KERNEL(256, dropout_f32, const float* __restrict__ x, float* __restrict__ y, i64 n, u32 threshold, float scale,
       u32 step, u32 site, u32 key0, u32 key1) {
  dropout_packs(x, y, n, {threshold, scale, step, site, key0, key1});
}
KERNEL(256, dropout_bf16, const bf16* __restrict__ x, bf16* __restrict__ y, i64 n, u32 threshold, float scale, u32 step,
       u32 site, u32 key0, u32 key1) {
  dropout_packs(x, y, n, {threshold, scale, step, site, key0, key1});
}
