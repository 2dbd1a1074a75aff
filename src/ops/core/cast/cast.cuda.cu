// Casts on the GPU: cast.ts.
//
// x (n) -> y (n). A thread takes four elements at a time, in one access on either side; the grid strides over them.
// Bytes: each tensor once.
#include "../../../backends/cuda/device.cuh"

template <class From>
DEVICE void cast_to_float(const From* x, i64 n, float* y) {
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / 4;
  for (i64 i = first; i < packs; i += step) {
    const Pack<From, 4> from = reinterpret_cast<const Pack<From, 4>*>(x)[i];
    Pack<float> to;
#pragma unroll
    for (int k = 0; k < 4; k++) to.at[k] = static_cast<float>(from.at[k]);
    reinterpret_cast<Pack<float>*>(y)[i] = to;
  }
  const i64 last = packs * 4 + first;
  if (last < n) y[last] = static_cast<float>(x[last]);
}

KERNEL(256, cast_i32_f32, const int* __restrict__ x, i64 n, float* __restrict__ y) { cast_to_float(x, n, y); }
KERNEL(256, cast_u8_f32, const unsigned char* __restrict__ x, i64 n, float* __restrict__ y) { cast_to_float(x, n, y); }
