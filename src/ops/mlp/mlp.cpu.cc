// The part of the MLP's gradient that is not the linear layers' own, on the CPU. Mathematics and shapes: mlp.ts.
//
// The derivative of GELU is applied to each tile of the product while it is in the cache.
#include "../../backends/native/gemm.h"
#include "../../backends/native/kernel.h"
#include "gelu.h"

namespace gpt {

// in dy (M,N), weight (K,N), with bf16 stored as bfloat16, pre (M,K); out dpre (M,K) = (dy W^T) * gelu'(pre);
// attrs M, N, K, activation, bf16
static void mlp_grad_hidden(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const bool tanh_form = call.dim(3) == kGeluTanh;
  const float *dy = f32_in(call, 0, M * N), *pre = f32_in(call, 2, M * K);
  float* dpre = f32_out(call, 0, M * K);
  const Epilogue finish = [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
    for (int64_t i = i0; i < i1; i++) {
      const float* p = pre + i * K;
      float* d = dpre + i * K;
      if (tanh_form) {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) d[j] *= gelu_tanh_derivative(p[j]);
      } else {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) d[j] *= gelu_erf_derivative(p[j]);
      }
    }
  };
  gemm_in(call.flag(4), M, K, N, {{dy, false}, N}, {stored_in(call, 1, K * N), N, true}, dpre, K, false, finish);
}
GPT_KERNEL_BF16("GptMlpGradHidden", "dpre = (dy W^T) * gelu'(pre)", mlp_grad_hidden);

}  // namespace gpt
