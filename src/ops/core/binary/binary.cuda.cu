// Elementwise functions of two tensors with broadcasting, comparisons, and sums of several tensors, on the GPU:
// binary.ts.
//
// a, b -> c (size), seen through the merged dimensions of broadcast.ts: the innermost stride of an operand is 1 or 0. A
// thread computes the place of a pack of 16 bytes once (one division a dimension but the innermost) and loads a pack,
// or one number that is repeated. Where rows are no multiple of a pack, elements one by one. Bytes: each tensor once.
#include "../strides.cuh"

template <class T>
DEVICE Pack<T> binary_load(const T* x, i64 stride) {
  if (stride == 1) return *reinterpret_cast<const Pack<T>*>(x);
  Pack<T> p;
  const T value = *x;
#pragma unroll
  for (int k = 0; k < Pack<T>::kSize; k++) p.at[k] = value;
  return p;
}

// A result as it is stored: a number, or 0 or 1 in a byte.
template <class Out>
struct BinaryResult {
  static DEVICE Out of(float c) { return from_float<Out>(c); }
};
template <>
struct BinaryResult<unsigned char> {
  static DEVICE unsigned char of(bool c) { return c; }
};

// The first `packs` packs of c, then the elements behind them.
template <class F, class T, class Out>
DEVICE void binary_combine(const T* a, const T* b, const Strides& shape, i64 size, i64 packs, Out* c) {
  constexpr int k = Pack<T>::kSize;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  const i64 a_stride = shape.a[shape.n - 1], b_stride = shape.b[shape.n - 1];
  i64 ia, ib;
  for (i64 i = first; i < packs; i += step) {
    strided_places(shape, i * k, ia, ib);
    const Pack<T> va = binary_load(a + ia, a_stride), vb = binary_load(b + ib, b_stride);
    Pack<Out, k> vc;
#pragma unroll
    for (int j = 0; j < k; j++) vc.at[j] = BinaryResult<Out>::of(F()(to_float(va.at[j]), to_float(vb.at[j])));
    reinterpret_cast<Pack<Out, k>*>(c)[i] = vc;
  }
  for (i64 i = packs * k + first; i < size; i += step) {
    strided_places(shape, i, ia, ib);
    c[i] = BinaryResult<Out>::of(F()(to_float(a[ia]), to_float(b[ib])));
  }
}

#define BINARY_FUNCTION(name, type, expression)                           \
  struct Binary_##name {                                                  \
    DEVICE type operator()(float a, float b) const { return expression; } \
  };
#define BINARY_KERNEL(name, suffix, T, Out)                                                                        \
  KERNEL(256, binary_##name##_##suffix, const T* __restrict__ a, const T* __restrict__ b, Strides shape, i64 size, \
         i64 packs, Out* __restrict__ c) {                                                                         \
    binary_combine<Binary_##name>(a, b, shape, size, packs, c);                                                    \
  }
#define BINARY(name, expression)           \
  BINARY_FUNCTION(name, float, expression) \
  BINARY_KERNEL(name, f32, float, float)
#define COMPARISON(name, expression)      \
  BINARY_FUNCTION(name, bool, expression) \
  BINARY_KERNEL(name, f32, float, unsigned char)

BINARY(add, a + b)
BINARY(subtract, a - b)
BINARY(multiply, a* b)
BINARY(divide, a / b)
BINARY(maximum, a > b || a != a ? a : b)
BINARY(minimum, a < b || a != a ? a : b)
BINARY(squared_difference, (a - b) * (a - b))
BINARY_KERNEL(add, bf16, bf16, bf16)
BINARY_KERNEL(multiply, bf16, bf16, bf16)
COMPARISON(equal, a == b)
COMPARISON(not_equal, a != b)
COMPARISON(greater, a > b)
COMPARISON(greater_equal, a >= b)
COMPARISON(less, a < b)
COMPARISON(less_equal, a <= b)
#undef COMPARISON
#undef BINARY
#undef BINARY_KERNEL
#undef BINARY_FUNCTION

struct AddTerms {
  const void* x[8];
  int count;
};

// y = the sum of one to eight terms, from first to last; y may be one of them.
template <class T>
DEVICE void add_n(const AddTerms& terms, i64 n, T* y) {
  using P = Pack<T>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / P::kSize;
  for (i64 i = first; i < packs; i += step) {
    float sum[P::kSize];
#pragma unroll
    for (int t = 0; t < 8; t++) {  // no variable index: it would copy the terms to memory
      if (t < terms.count) {
        const P p = static_cast<const P*>(terms.x[t])[i];
#pragma unroll
        for (int k = 0; k < P::kSize; k++) sum[k] = t == 0 ? to_float(p.at[k]) : sum[k] + to_float(p.at[k]);
      }
    }
    reinterpret_cast<P*>(y)[i] = to_pack<T>(sum);
  }
  const i64 last = packs * P::kSize + first;
  if (last < n) {
    float sum = 0.0f;
#pragma unroll
    for (int t = 0; t < 8; t++) {
      if (t < terms.count) {
        const float x = to_float(static_cast<const T*>(terms.x[t])[last]);
        sum = t == 0 ? x : sum + x;
      }
    }
    y[last] = from_float<T>(sum);
  }
}

KERNEL(256, add_n_f32, AddTerms terms, i64 n, float* y) { add_n(terms, n, y); }
KERNEL(256, add_n_bf16, AddTerms terms, i64 n, bf16* y) { add_n(terms, n, y); }
