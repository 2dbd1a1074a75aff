// Select on the GPU: select.ts.
//
// condition (n bytes), t (n), e (n) -> y (n) = condition == 1 ? t : e, four elements at a time. Bytes: 13 an element.
#include "../../../backends/cuda/device.cuh"

KERNEL(256, select_f32, const unsigned char* __restrict__ condition, const float* __restrict__ t,
       const float* __restrict__ e, i64 n, float* __restrict__ y) {
  using P = Pack<float>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / P::kSize;
  for (i64 i = first; i < packs; i += step) {
    const Pack<unsigned char, 4> c = reinterpret_cast<const Pack<unsigned char, 4>*>(condition)[i];
    const P yes = reinterpret_cast<const P*>(t)[i], no = reinterpret_cast<const P*>(e)[i];
    P p;
#pragma unroll
    for (int k = 0; k < P::kSize; k++) p.at[k] = c.at[k] == 1 ? yes.at[k] : no.at[k];
    reinterpret_cast<P*>(y)[i] = p;
  }
  const i64 last = packs * P::kSize + first;
  if (last < n) y[last] = condition[last] == 1 ? t[last] : e[last];
}
