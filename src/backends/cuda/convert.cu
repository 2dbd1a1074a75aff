// Arrays between float32 and bfloat16. A thread takes 8 elements: 16 bytes of bfloat16 and 32 of float32, 6 bytes an
// element in all. wide: both arrays are aligned to 16 bytes; otherwise, and in the tail, elements one by one.
#include "device.cuh"

template <class From, class To>
DEVICE void convert_eight(To* to, const From* from, i64 n, int wide) {
  const i64 first = (static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x) * 8;
  if (wide && first + 8 <= n) {
    constexpr int kIn = Pack<From>::kSize, kOut = Pack<To>::kSize;
    float v[8];
#pragma unroll
    for (int p = 0; p < 8 / kIn; p++) {
      const Pack<From> in = reinterpret_cast<const Pack<From>*>(from + first)[p];
#pragma unroll
      for (int k = 0; k < kIn; k++) v[p * kIn + k] = to_float(in.at[k]);
    }
#pragma unroll
    for (int p = 0; p < 8 / kOut; p++) {
      float part[kOut];
#pragma unroll
      for (int k = 0; k < kOut; k++) part[k] = v[p * kOut + k];
      reinterpret_cast<Pack<To>*>(to + first)[p] = to_pack<To>(part);
    }
  } else {
    for (i64 i = first; i < first + 8 && i < n; i++) to[i] = from_float<To>(to_float(from[i]));
  }
}

KERNEL(256, convert_f32_to_bf16, bf16* to, const float* from, i64 n, int wide) { convert_eight(to, from, n, wide); }
KERNEL(256, convert_bf16_to_f32, float* to, const bf16* from, i64 n, int wide) { convert_eight(to, from, n, wide); }
