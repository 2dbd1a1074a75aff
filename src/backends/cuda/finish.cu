// What follows a product: bias, bias and GELU, and the gradient of GELU; elementwise on (M,N) matrices.
//
// A thread takes one pack of columns (W elements, 16 bytes) in four rows: four independent accesses are under way, and
// the bias is read once for them. A block takes 128 packs of columns and four rows. Every element is read once and
// written once per matrix. wide: N, the stride and the addresses suit packs; otherwise W is 1.
#include "device.cuh"

constexpr int kFinishThreads = 128, kFinishRows = 4;
constexpr int kFinishErf = 2;  // Gelu::erf of finish.h

constexpr float kFinishRoot2OverPi = 0.7978845608f, kFinishCubic = 0.044715f, kFinishRootHalf = 0.7071067812f;
constexpr float kFinishRoot1Over2Pi = 0.3989422804f, kFinishLog2E = 1.4426950409f;

// 0.5 x (1 + tanh u) = x sigmoid(2u),  u = sqrt(2/pi) (x + 0.044715 x^3)
DEVICE float finish_sigmoid_2u(float x) {
  constexpr float k = -2 * kFinishLog2E * kFinishRoot2OverPi;
  return __fdividef(1.0f, 1.0f + exp2_fast(x * (k + k * kFinishCubic * (x * x))));
}

DEVICE float finish_gelu(float x, int form) {
  if (form == kFinishErf) return 0.5f * x * (1.0f + erff(x * kFinishRootHalf));
  return x * finish_sigmoid_2u(x);
}

DEVICE float finish_gelu_derivative(float x, int form) {
  if (form == kFinishErf) {
    const float density = kFinishRoot1Over2Pi * exp2_fast(-0.5f * kFinishLog2E * x * x);
    return 0.5f * (1.0f + erff(x * kFinishRootHalf)) + x * density;
  }
  const float s = finish_sigmoid_2u(x);
  return s + x * s * (1.0f - s) * (2 * kFinishRoot2OverPi) * (1.0f + 3 * kFinishCubic * x * x);
}

// Where a thread works: its first column, and, in packs of the matrix, the first of its four rows and the way from one
// row to the next. (Stores are of 16 bytes only where their index counts packs: nvcc splits them otherwise.)
template <int W>
struct FinishPlace {
  i64 column, first, step, rows;
  DEVICE FinishPlace(i64 M, i64 N, i64 stride) {
    const u32 tiles = static_cast<u32>((N / W + kFinishThreads - 1) / kFinishThreads);  // side by side
    const u32 below = blockIdx.x / tiles;
    column = (static_cast<i64>(blockIdx.x - below * tiles) * kFinishThreads + threadIdx.x) * W;
    const i64 row = static_cast<i64>(below) * kFinishRows;
    step = stride / W;
    first = row * step + column / W;
    rows = column < N ? M - row : 0;
  }
};

template <class T, int W>
DEVICE Pack<T, W>& finish_pack(T* p, i64 pack) {
  return reinterpret_cast<Pack<T, W>*>(p)[pack];
}
template <class T, int W>
DEVICE const Pack<T, W>& finish_pack(const T* p, i64 pack) {
  return reinterpret_cast<const Pack<T, W>*>(p)[pack];
}

// b = bias[column .. column + W), zeros without a bias
template <int W>
DEVICE void finish_bias(const float* bias, i64 column, float (&b)[W]) {
#pragma unroll
  for (int k = 0; k < W; k++) b[k] = 0.0f;
  if (!bias) return;
  constexpr int kSize = W % 4 == 0 ? 4 : 1;
#pragma unroll
  for (int k = 0; k < W; k += kSize) {
    const Pack<float, kSize> in = finish_pack<float, kSize>(bias, (column + k) / kSize);
#pragma unroll
    for (int j = 0; j < kSize; j++) b[k + j] = in.at[j];
  }
}

// c += bias
template <class T, int W>
DEVICE void bias_add(T* c, const float* bias, i64 M, i64 N, i64 stride) {
  const FinishPlace<W> at(M, N, stride);
  if (at.rows <= 0) return;
  Pack<T, W> in[kFinishRows];
#pragma unroll
  for (int r = 0; r < kFinishRows; r++)
    if (r < at.rows) in[r] = finish_pack<T, W>(c, at.first + r * at.step);
  float b[W];
  finish_bias(bias, at.column, b);
#pragma unroll
  for (int r = 0; r < kFinishRows; r++) {
    if (r >= at.rows) break;
    float v[W];
#pragma unroll
    for (int k = 0; k < W; k++) v[k] = to_float(in[r].at[k]) + b[k];
    finish_pack<T, W>(c, at.first + r * at.step) = to_pack<T>(v);
  }
}

// pre = product + bias as it is stored, y = GELU(pre). bias, pre: may be null. y and product may be one matrix.
template <class T, int W>
DEVICE void bias_gelu(T* y, T* pre, const T* product, const float* bias, i64 M, i64 N, i64 stride, int form) {
  const FinishPlace<W> at(M, N, stride);
  if (at.rows <= 0) return;
  Pack<T, W> in[kFinishRows];
#pragma unroll
  for (int r = 0; r < kFinishRows; r++)
    if (r < at.rows) in[r] = finish_pack<T, W>(product, at.first + r * at.step);
  float b[W];
  finish_bias(bias, at.column, b);
#pragma unroll
  for (int r = 0; r < kFinishRows; r++) {
    if (r >= at.rows) break;
    float v[W];
#pragma unroll
    for (int k = 0; k < W; k++) v[k] = to_float(in[r].at[k]) + b[k];
    if (pre) finish_pack<T, W>(pre, at.first + r * at.step) = to_pack<T>(v);
#pragma unroll
    for (int k = 0; k < W; k++) v[k] = finish_gelu(to_float(from_float<T>(v[k])), form);
    finish_pack<T, W>(y, at.first + r * at.step) = to_pack<T>(v);
  }
}

// c *= GELU'(pre)
template <class T, int W>
DEVICE void gelu_grad(T* c, const T* pre, i64 M, i64 N, i64 stride, int form) {
  const FinishPlace<W> at(M, N, stride);
  if (at.rows <= 0) return;
  Pack<T, W> d[kFinishRows], x[kFinishRows];
#pragma unroll
  for (int r = 0; r < kFinishRows; r++) {
    if (r >= at.rows) break;
    d[r] = finish_pack<T, W>(c, at.first + r * at.step);
    x[r] = finish_pack<T, W>(pre, at.first + r * at.step);
  }
#pragma unroll
  for (int r = 0; r < kFinishRows; r++) {
    if (r >= at.rows) break;
    float v[W];
#pragma unroll
    for (int k = 0; k < W; k++) v[k] = to_float(d[r].at[k]) * finish_gelu_derivative(to_float(x[r].at[k]), form);
    finish_pack<T, W>(c, at.first + r * at.step) = to_pack<T>(v);
  }
}

#define FINISH_KERNELS(suffix, T)                                                                              \
  KERNEL(128, bias_add_##suffix, T* c, const float* bias, i64 M, i64 N, i64 stride, int wide) {                \
    if (wide)                                                                                                  \
      bias_add<T, Pack<T>::kSize>(c, bias, M, N, stride);                                                      \
    else                                                                                                       \
      bias_add<T, 1>(c, bias, M, N, stride);                                                                   \
  }                                                                                                            \
  KERNEL(128, bias_gelu_##suffix, T* y, T* pre, const T* product, const float* bias, i64 M, i64 N, i64 stride, \
         int form, int wide) {                                                                                 \
    if (wide)                                                                                                  \
      bias_gelu<T, Pack<T>::kSize>(y, pre, product, bias, M, N, stride, form);                                 \
    else                                                                                                       \
      bias_gelu<T, 1>(y, pre, product, bias, M, N, stride, form);                                              \
  }                                                                                                            \
  KERNEL(128, gelu_grad_##suffix, T* c, const T* pre, i64 M, i64 N, i64 stride, int form, int wide) {          \
    if (wide)                                                                                                  \
      gelu_grad<T, Pack<T>::kSize>(c, pre, M, N, stride, form);                                                \
    else                                                                                                       \
      gelu_grad<T, 1>(c, pre, M, N, stride, form);                                                             \
  }

FINISH_KERNELS(f32, float)
FINISH_KERNELS(bf16, bf16)
#undef FINISH_KERNELS
