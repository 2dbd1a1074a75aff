// Casts on the GPU: cast.ts, and between the two types that a float32 tensor may be stored in.
//
// x (n) -> y (n). A thread takes four elements at a time, in one access on either side; the grid strides over them.
// Bytes: each tensor once.
#include "../../../backends/cuda/device.cuh"

template <class T>
struct alignas(sizeof(T) * 4) CastFour {
  T at[4];
};

template <class From, class To>
DEVICE void cast_all(const From* x, i64 n, To* y) {
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / 4;
  for (i64 i = first; i < packs; i += step) {
    const CastFour<From> from = reinterpret_cast<const CastFour<From>*>(x)[i];
    CastFour<To> to;
#pragma unroll
    for (int k = 0; k < 4; k++) to.at[k] = from_float<To>(to_float(from.at[k]));
    reinterpret_cast<CastFour<To>*>(y)[i] = to;
  }
  const i64 last = packs * 4 + first;
  if (last < n) y[last] = from_float<To>(to_float(x[last]));
}

KERNEL(256, cast_i32, const int* __restrict__ x, i64 n, float* __restrict__ y) { cast_all(x, n, y); }
KERNEL(256, cast_u8, const unsigned char* __restrict__ x, i64 n, float* __restrict__ y) { cast_all(x, n, y); }
KERNEL(256, cast_bf16, const bf16* __restrict__ x, i64 n, float* __restrict__ y) { cast_all(x, n, y); }
KERNEL(256, cast_to_bf16, const float* __restrict__ x, i64 n, bf16* __restrict__ y) { cast_all(x, n, y); }
