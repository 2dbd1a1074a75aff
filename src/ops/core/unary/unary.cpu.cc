// Elementwise functions of one tensor on the CPU. List: unary.ts.
//
// in x (n); out y (n); attrs n. One read and one write of memory.
#include <cmath>

#include "../../../backends/native/kernel.h"
#include "../../../backends/native/simd.h"
#include "../blocks.h"

namespace gpt {

namespace {

// ln x to 1 ulp; -infinity at 0, NaN below. Method and polynomial of fdlibm's logf: x = 2^e m, m in [sqrt(1/2), sqrt
// 2), s = f / (2 + f) with f = m - 1.
inline float fast_log(float x) {
  const bool subnormal = x < 1.17549435e-38f;
  const float normal = subnormal ? x * 8388608.0f : x;
  const uint32_t bits = float_to_bits(normal);
  const int32_t exponent = static_cast<int32_t>(bits - 0x3f3504f3) >> 23;
  const float f = bits_to_float(bits - (static_cast<uint32_t>(exponent) << 23)) - 1.0f;
  const float e = static_cast<float>(exponent) - (subnormal ? 23.0f : 0.0f);
  const float s = f / (2.0f + f);
  const float z = s * s, w = z * z;
  const float r = w * (0.40000972152f + w * 0.24279078841f) + z * (0.66666662693f + w * 0.28498786688f);
  const float half = 0.5f * f * f;
  const float y = e * 6.9313812256e-01f - ((half - (s * (half + r) + e * 9.0580006145e-06f)) - f);
  const float special = x == 0.0f ? -INFINITY : (x == INFINITY ? INFINITY : NAN);
  return x > 0.0f && x < INFINITY ? y : special;
}

// tanh x to 3 ulp: an odd polynomial (Cephes) where 1 - 2 / (e^2x + 1) would cancel.
inline float fast_tanh(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z + -3.33332819422e-1f;
  const float near = p * z * x + x;
  const float a = std::fabs(x);
  const float far = std::copysign(1.0f - 2.0f / (fast_exp(2.0f * a) + 1.0f), x);
  return a < 0.625f ? near : far;
}

template <class F>
void map(const Call& call, const F& f) {
  const int64_t n = call.dim(0);
  const float* x = f32_in(call, 0, n);
  float* y = f32_out(call, 0, n);
  for_blocks(n, [&](int64_t first, int64_t last) {
#pragma omp simd
    for (int64_t i = first; i < last; i++) y[i] = f(x[i]);
  });
}

}  // namespace

#define GPT_UNARY(name, fn, doc, expression)       \
  static void fn(const Call& call) {               \
    map(call, [](float x) { return expression; }); \
  }                                                \
  GPT_KERNEL(name, doc, fn)

GPT_UNARY("Abs", unary_abs, "|x|", std::fabs(x));
GPT_UNARY("Erf", unary_erf, "error function", fast_erf(x));
GPT_UNARY("Exp", unary_exp, "e^x", fast_exp(x));
GPT_UNARY("Log", unary_log, "natural logarithm", fast_log(x));
GPT_UNARY("Neg", unary_neg, "-x", -x);
GPT_UNARY("Reciprocal", unary_reciprocal, "1 / x", 1.0f / x);
GPT_UNARY("Relu", unary_relu, "max(0, x)", (x > 0.0f) | (x != x) ? x : 0.0f);
GPT_UNARY("Rsqrt", unary_rsqrt, "1 / sqrt(x)", 1.0f / std::sqrt(x));
GPT_UNARY("Sigmoid", unary_sigmoid, "1 / (1 + e^-x)", sigmoid(x));
GPT_UNARY("Sqrt", unary_sqrt, "square root", std::sqrt(x));
GPT_UNARY("Square", unary_square, "x^2", x* x);
GPT_UNARY("Tanh", unary_tanh, "hyperbolic tangent", fast_tanh(x));

}  // namespace gpt
