// Elementwise functions of one tensor on the GPU. List: unary.ts.
//
// x (n) -> y (n). A thread takes 16 bytes at a time; the few elements behind the last pack are taken one by one. The
// grid strides over the packs. Bytes: 8 an element.
// No fast intrinsics: all of this waits for memory, and the functions of CUDA are within 2 ulp.
#include "../../../backends/cuda/device.cuh"

template <class F>
DEVICE void unary_map(const float* x, i64 n, float* y, F f) {
  using P = Pack<float>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / P::kSize;
  const i64 last = packs * P::kSize + first;
  if (last < n) y[last] = f(x[last]);
  for (i64 i = first; i < packs; i += step) {
    P p = reinterpret_cast<const P*>(x)[i];
#pragma unroll
    for (int k = 0; k < P::kSize; k++) p.at[k] = f(p.at[k]);
    reinterpret_cast<P*>(y)[i] = p;
  }
}

#define UNARY(name, expression)                                                                \
  struct Unary_##name {                                                                        \
    DEVICE float operator()(float x) const { return expression; }                              \
  };                                                                                           \
  KERNEL(256, unary_##name##_f32, const float* __restrict__ x, i64 n, float* __restrict__ y) { \
    unary_map(x, n, y, Unary_##name());                                                        \
  }

UNARY(abs, fabsf(x))
UNARY(erf, erff(x))
UNARY(exp, expf(x))
UNARY(log, logf(x))
UNARY(neg, -x)
UNARY(reciprocal, 1.0f / x)
UNARY(relu, x > 0.0f || x != x ? x : 0.0f)
UNARY(rsqrt, rsqrtf(x))
UNARY(sigmoid, 1.0f / (1.0f + expf(-x)))
UNARY(sqrt, sqrtf(x))
UNARY(square, x* x)
UNARY(tanh, tanhf(x))
#undef UNARY
