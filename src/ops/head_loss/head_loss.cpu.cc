// Output head and cross-entropy on the CPU, in chunks of rows. Mathematics, shapes and contract: head_loss.ts.
//
// The logits of one chunk (at most 256 MiB) are made, turned into their own gradient in place, and used for dh and dwte
// before the next chunk overwrites them: the (N,V) logits never exist as a whole, and never twice.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../../backends/native/gemm.h"
#include "../../backends/native/kernel.h"
#include "../../backends/native/scratch.h"

namespace gpt {

// in h (N,C), wte (V,C), with bf16 stored as bfloat16, targets (N) int32, weights (N);
// out loss (1) = sum of weight * nll, nll (N); with gradient also dh (N,C), and dwte (V,C) which is added to
// attrs N, C, V, gradient, bf16
static void head_loss(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1), V = call.dim(2);
  const bool gradient = call.flag(3), bf16 = call.flag(4);
  const float *h = f32_in(call, 0, N * C), *weights = f32_in(call, 3, N);
  const Stored wte = stored_in(call, 1, V * C);
  const int32_t* targets = i32_in(call, 2, N);
  float *loss = f32_out(call, 0, 1), *nll = f32_out(call, 1, N);
  float* dh = gradient ? f32_out(call, 2, N * C) : nullptr;
  float* dwte = gradient ? f32_out(call, 3, V * C) : nullptr;
  for (int64_t n = 0; n < N; n++)
    GPT_CHECK(targets[n] < V,
              "target " + std::to_string(targets[n]) + " is outside the vocabulary of " + std::to_string(V));

  static Scratch scratch;
  const int64_t rows = std::min(N, std::max<int64_t>(32, (64 << 20) / V));
  float* logits = scratch.floats(rows * V);
  for (int64_t first = 0; first < N; first += rows) {
    const int64_t R = std::min(rows, N - first);
    gemm_in(bf16, R, V, C, {{h + first * C, false}, C}, {wte, C, true}, logits, V, false);
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < R; r++) {
      float* row = logits + r * V;
      const int64_t n = first + r;
      const int32_t target = targets[n];
      if (target < 0) {  // not scored
        nll[n] = 0;
        if (gradient) std::fill_n(row, V, 0.0f);
        continue;
      }
      const float top = max(row, V), at_target = row[target];
      float total = 0;
#pragma omp simd reduction(+ : total)
      for (int64_t v = 0; v < V; v++) {
        const float e = fast_exp(row[v] - top);
        row[v] = e;
        total += e;
      }
      nll[n] = std::log(total) + top - at_target;
      if (gradient) {
        const float scale = weights[n] / total;
#pragma omp simd
        for (int64_t v = 0; v < V; v++) row[v] *= scale;
        row[target] -= weights[n];
      }
    }
    if (gradient) {
      gemm_in(bf16, R, C, V, {{logits, false}, V}, {wte, C}, dh + first * C, C, false);
      gemm_in(bf16, V, C, R, {{logits, false}, V, true}, {{h + first * C, false}, C}, dwte, C, true);
    }
  }
  double total = 0;
  for (int64_t n = 0; n < N; n++) total += static_cast<double>(weights[n]) * nll[n];
  loss[0] = static_cast<float>(total);
}
GPT_KERNEL_BF16("GptHeadLoss", "cross-entropy of h wte^T, and its gradient, in row chunks", head_loss);

}  // namespace gpt
