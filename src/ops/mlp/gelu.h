// GELU and its derivative, both forms, on the CPU. Formulas: mlp.ts.
#pragma once
#include "../../backends/native/simd.h"

namespace gpt {

enum Activation { kNone = 0, kGeluTanh = 1, kGeluErf = 2 };

constexpr float kRoot2OverPi = 0.7978845608f, kCubic = 0.044715f, kRootHalf = 0.7071067812f;
constexpr float kRoot1Over2Pi = 0.3989422804f;

// 0.5 x (1 + tanh u) = x sigmoid(2u),  u = sqrt(2/pi) (x + 0.044715 x^3)
inline float gelu_tanh(float x) { return x * sigmoid(2 * kRoot2OverPi * (x + kCubic * x * x * x)); }

inline float gelu_tanh_derivative(float x) {
  const float s = sigmoid(2 * kRoot2OverPi * (x + kCubic * x * x * x));
  return s + x * s * (1 - s) * 2 * kRoot2OverPi * (1 + 3 * kCubic * x * x);
}

inline float gelu_erf(float x) { return 0.5f * x * (1 + fast_erf(x * kRootHalf)); }

inline float gelu_erf_derivative(float x) {
  return 0.5f * (1 + fast_erf(x * kRootHalf)) + x * kRoot1Over2Pi * fast_exp(-0.5f * x * x);
}

}  // namespace gpt
