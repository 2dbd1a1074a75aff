// Linear layer, with GELU or without, on the CPU. Mathematics and shapes: linear.ts, ../mlp/mlp.ts.
//
// Bias and GELU are applied to each tile of the product while it is in the cache. The two products of the gradient add
// into the weight gradient and write dx. The bias gradient is summed while dy is packed.
#include "../../backends/native/gemm.h"
#include "../../backends/native/kernel.h"
#include "../mlp/gelu.h"

namespace gpt {

// in x (M,K), weight (K,N) float32 or bfloat16, bias (N); out y (M,N), and with an activation pre (M,N);
// attrs M, N, K, activation, bf16
static void linear(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2), activation = call.dim(3);
  const float *x = f32_in(call, 0, M * K), *bias = f32_in(call, 2, N);
  const Stored weight = stored_in(call, 1, K * N);
  float* y = f32_out(call, 0, M * N);
  float* pre = activation == kNone ? y : f32_out(call, 1, M * N);
  const Epilogue finish = [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
    for (int64_t i = i0; i < i1; i++) {
      float *p = pre + i * N, *out = y + i * N;
      if (activation == kGeluTanh) {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) {
          p[j] += bias[j];
          out[j] = gelu_tanh(p[j]);
        }
      } else if (activation == kGeluErf) {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) {
          p[j] += bias[j];
          out[j] = gelu_erf(p[j]);
        }
      } else {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) p[j] += bias[j];
      }
    }
  };
  if (call.flag(4) && M > kFewRows)
    gemm_bf16(M, N, K, {{x, false}, K}, {weight, N}, pre, N, false, finish);
  else
    product(M, N, K, {x, K}, {weight, N}, pre, N, finish);
}
GPT_KERNEL_BF16("GptLinear", "y = x W + b, or GELU of it", linear);

// in dy (M,N), weight (K,N), with bf16 stored as bfloat16; out dx (M,K) = dy W^T; attrs M, N, K, bf16
static void linear_grad_input(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const float* dy = f32_in(call, 0, M * N);
  float* dx = f32_out(call, 0, M * K);
  gemm_in(call.flag(3), M, K, N, {{dy, false}, N}, {stored_in(call, 1, K * N), N, true}, dx, K, false);
}
GPT_KERNEL_BF16("GptLinearGradInput", "dx = dy W^T", linear_grad_input);

// in x (M,K), dy (M,N); out dweight (K,N) += x^T dy, dbias (N) += sum of dy's rows; attrs M, N, K, bf16
static void linear_grad_weight(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const float *x = f32_in(call, 0, M * K), *dy = f32_in(call, 1, M * N);
  float *dweight = f32_out(call, 0, K * N), *dbias = f32_out(call, 1, N);
  gemm_in(call.flag(3), K, N, M, {{x, false}, K, true}, {{dy, false}, N}, dweight, N, true, nullptr, dbias);
}
GPT_KERNEL("GptLinearGradWeight", "dW += x^T dy, db += column sums of dy", linear_grad_weight);

}  // namespace gpt
