// Optimizer updates and the global gradient norm on the CPU. Formulas: adamw.ts.
//
// One call updates all parameters. Tensors are cut into fixed pieces, so that cores share the work evenly; the norm
// adds the pieces' sums from first to last in float64.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../../backends/native/kernel.h"

namespace gpt {

namespace {

constexpr int64_t kPiece = 1 << 16;

struct Piece {
  size_t tensor;
  int64_t first, last;
};

std::vector<Piece> pieces(const std::vector<View>& tensors, size_t count) {
  std::vector<Piece> result;
  for (size_t t = 0; t < count; t++) {
    for (int64_t i = 0; i < tensors[t].size; i += kPiece)
      result.push_back({t, i, std::min(tensors[t].size, i + kPiece)});
  }
  return result;
}

}  // namespace

// in g_1 .. g_n; out norm (1) = sqrt of the sum of all squares; attrs none
static void global_norm(const Call& call) {
  const std::vector<Piece> work = pieces(call.in, call.in.size());
  std::vector<double> sums(work.size());
  for (size_t i = 0; i < call.in.size(); i++) f32_in(call, i, 0);
#pragma omp parallel for schedule(dynamic)
  for (size_t w = 0; w < work.size(); w++) {
    const float* g = static_cast<const float*>(call.in[work[w].tensor].data);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = work[w].first; i < work[w].last; i++) sum += static_cast<double>(g[i]) * g[i];
    sums[w] = sum;
  }
  double total = 0;
  for (double s : sums) total += s;
  f32_out(call, 0, 1)[0] = static_cast<float>(std::sqrt(total));
}
GPT_KERNEL("GptGlobalNorm", "square root of the sum of squares of all gradients", global_norm);

// in norm (1); out p_1 .. p_n, m_1 .. m_n, v_1 .. v_n, g_1 .. g_n (updated, g is set to zero; nothing where norm is not
// finite)
// attrs n, openai, lr, beta1, beta2, eps, clip, epsilon of the clip, 1 - beta1^t, 1 - beta2^t, decay_1 .. decay_n
static void adam(const Call& call) {
  const size_t n = static_cast<size_t>(call.dim(0));
  GPT_CHECK(call.out.size() == 4 * n && call.attrs.size() == 10 + n, "needs p, m, v, g and a decay per parameter");
  const bool openai = call.flag(1);
  const double lr = call.attrs[2], correction1 = call.attrs[8], correction2 = call.attrs[9];
  const float beta1 = call.num(3), beta2 = call.num(4), eps = call.num(5);
  const double clip = call.attrs[6];
  const double norm = f32_in(call, 0, 1)[0];
  if (!std::isfinite(norm)) return;
  float coefficient = 1;
  if (clip > 0) coefficient = static_cast<float>(std::min(1.0, clip / (norm + call.attrs[7])));
  for (size_t t = 0; t < n; t++) {
    for (int k = 0; k < 4; k++) f32_out(call, k * n + t, call.out[t].size);
  }
  // PyTorch:  p -= lr wd p;  p -= lr mhat / (sqrt(vhat) + eps)
  // OpenAI:   p -= lrt (m / (sqrt(v) + eps) + wd p),  lrt = lr sqrt(1 - b2^t) / (1 - b1^t)
  const float rate = static_cast<float>(openai ? lr * std::sqrt(correction2) / correction1 : lr / correction1);
  const float root = static_cast<float>(openai ? 1.0 : 1.0 / std::sqrt(correction2));
  const std::vector<Piece> work = pieces(call.out, n);
#pragma omp parallel for schedule(dynamic)
  for (size_t w = 0; w < work.size(); w++) {
    const size_t t = work[w].tensor;
    float* p = static_cast<float*>(call.out[t].data);
    float* m = static_cast<float*>(call.out[n + t].data);
    float* v = static_cast<float*>(call.out[2 * n + t].data);
    float* g = static_cast<float*>(call.out[3 * n + t].data);
    const float decay = static_cast<float>((openai ? rate : lr) * call.attrs[10 + t]);
#pragma omp simd
    for (int64_t i = work[w].first; i < work[w].last; i++) {
      const float gi = g[i] * coefficient;
      const float mi = beta1 * m[i] + (1 - beta1) * gi;
      const float vi = beta2 * v[i] + (1 - beta2) * gi * gi;
      m[i] = mi;
      v[i] = vi;
      g[i] = 0;
      p[i] = (p[i] - decay * p[i]) - rate * mi / (std::sqrt(vi) * root + eps);
    }
  }
}
GPT_KERNEL("GptAdam", "AdamW, or OpenAI's Adam, on all parameters in place", adam);

}  // namespace gpt
