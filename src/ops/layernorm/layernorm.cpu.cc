// Layer norm on the CPU, alone and after a residual add. Mathematics and shapes: layernorm.ts.
//
// x (N,C). One thread per row; a row stays in the L1 cache, so its passes cost one read of memory. Mean and 1/std are
// recomputed in the backward pass: the row has to be read anyway.
#include "../../backends/native/columns.h"
#include "../../backends/native/kernel.h"
#include "../../backends/native/simd.h"

namespace gpt {

namespace {

struct Moments {
  float mean, rstd;
};

Moments moments(const float* x, int64_t C, float eps) {
  const float mean = sum(x, C) / C;
  Vec acc = {};
  int64_t c = 0;
  for (; c + kWidth <= C; c += kWidth) {
    const Vec d = load(x + c) - mean;
    acc += d * d;
  }
  float variance = 0;
  for (int k = 0; k < kWidth; k++) variance += acc[k];
  for (; c < C; c++) variance += (x[c] - mean) * (x[c] - mean);
  return {mean, 1.0f / std::sqrt(variance / C + eps)};
}

void normalise(float* y, const float* x, const float* weight, const float* bias, int64_t C, float eps) {
  const Moments m = moments(x, C, eps);
#pragma omp simd
  for (int64_t c = 0; c < C; c++) y[c] = (x[c] - m.mean) * m.rstd * weight[c] + bias[c];
}

// dx = rstd * (dyw - mean(dyw) - xhat * mean(dyw * xhat)) [+ dsum],  dyw = dy * weight; dweight, dbias summed on the
// way
void backward(float* dx, float* dweight, float* dbias, const float* x, const float* weight, const float* dy,
              const float* dsum, int64_t N, int64_t C, float eps) {
  static Scratch scratch;  // dweight and dbias side by side
  float* total = scratch.floats(2 * C);
  sum_over_rows(N, 2 * C, total, false, [&](int64_t first, int64_t last, float* partial) {
    for (int64_t n = first; n < last; n++) {
      const float *xn = x + n * C, *dyn = dy + n * C;
      float* dxn = dx + n * C;
      const Moments m = moments(xn, C, eps);
      float mean_dyw = 0, mean_dyw_xhat = 0;
#pragma omp simd reduction(+ : mean_dyw, mean_dyw_xhat)
      for (int64_t c = 0; c < C; c++) {
        const float xhat = (xn[c] - m.mean) * m.rstd, dyw = dyn[c] * weight[c];
        mean_dyw += dyw;
        mean_dyw_xhat += dyw * xhat;
        partial[c] += dyn[c] * xhat;
        partial[C + c] += dyn[c];
      }
      mean_dyw /= C;
      mean_dyw_xhat /= C;
      const float* add = dsum ? dsum + n * C : nullptr;
#pragma omp simd
      for (int64_t c = 0; c < C; c++) {
        const float xhat = (xn[c] - m.mean) * m.rstd, dyw = dyn[c] * weight[c];
        const float d = m.rstd * (dyw - mean_dyw - xhat * mean_dyw_xhat);
        dxn[c] = add ? d + add[c] : d;
      }
    }
  });
  for (int64_t c = 0; c < C; c++) dweight[c] += total[c];
  for (int64_t c = 0; c < C; c++) dbias[c] += total[C + c];
}

constexpr int64_t kAlone = 8192;  // elements that are not worth waking threads for: decoding

}  // namespace

// in x, weight, bias; out y; attrs N, C, eps
static void layer_norm(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  const float eps = call.num(2);
  const float *x = f32_in(call, 0, N * C), *weight = f32_in(call, 1, C), *bias = f32_in(call, 2, C);
  float* y = f32_out(call, 0, N * C);
#pragma omp parallel for schedule(static) if (N * C > kAlone)
  for (int64_t n = 0; n < N; n++) normalise(y + n * C, x + n * C, weight, bias, C, eps);
}
GPT_KERNEL("GptLayerNorm", "y = layer norm of x over its last axis", layer_norm);

// in x, weight, dy; out dx, and dweight, dbias which are added to; attrs N, C, eps
static void layer_norm_grad(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  backward(f32_out(call, 0, N * C), f32_out(call, 1, C), f32_out(call, 2, C), f32_in(call, 0, N * C),
           f32_in(call, 1, C), f32_in(call, 2, N * C), nullptr, N, C, call.num(2));
}
GPT_KERNEL("GptLayerNormGrad", "gradient of GptLayerNorm", layer_norm_grad);

// in x, branch, weight, bias; out sum = x + branch, y = layer norm of sum; attrs N, C, eps
static void residual_layer_norm(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  const float eps = call.num(2);
  const float *x = f32_in(call, 0, N * C), *branch = f32_in(call, 1, N * C);
  const float *weight = f32_in(call, 2, C), *bias = f32_in(call, 3, C);
  float *total = f32_out(call, 0, N * C), *y = f32_out(call, 1, N * C);
#pragma omp parallel for schedule(static) if (N * C > kAlone)
  for (int64_t n = 0; n < N; n++) {
    const float *xn = x + n * C, *bn = branch + n * C;
    float* tn = total + n * C;
#pragma omp simd
    for (int64_t c = 0; c < C; c++) tn[c] = xn[c] + bn[c];
    normalise(y + n * C, tn, weight, bias, C, eps);
  }
}
GPT_KERNEL("GptResidualLayerNorm", "sum = x + branch, y = layer norm of sum", residual_layer_norm);

// in sum, weight, dsum, dy; out d (the gradient of both x and branch), and dweight, dbias which are added to;
// attrs N, C, eps
static void residual_layer_norm_grad(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  backward(f32_out(call, 0, N * C), f32_out(call, 1, C), f32_out(call, 2, C), f32_in(call, 0, N * C),
           f32_in(call, 1, C), f32_in(call, 3, N * C), f32_in(call, 2, N * C), N, C, call.num(2));
}
GPT_KERNEL("GptResidualLayerNormGrad", "gradient of GptResidualLayerNorm", residual_layer_norm_grad);

}  // namespace gpt
