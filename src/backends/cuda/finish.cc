#include "finish.h"

#include <initializer_list>

namespace gpt {

namespace {

constexpr int kThreads = 128, kRows = 4;  // of a block: finish.cu

struct Plan {
  int wide;
  Grid grid;
};

Plan plan(DType dtype, int64_t M, int64_t N, int64_t stride, std::initializer_list<const void*> matrices) {
  const int64_t pack = 16 / bytes_of(dtype);
  bool wide = N % pack == 0 && stride % pack == 0;
  for (const void* matrix : matrices) wide = wide && aligned(matrix);
  return {wide, {blocks(M, kRows) * blocks(wide ? N / pack : N, kThreads)}};
}

}  // namespace

void finish_bias(void* c, DType dtype, int64_t M, int64_t N, int64_t stride, const float* bias) {
  if (M * N == 0) return;
  const Plan p = plan(dtype, M, N, stride, {c, bias});
  launch(typed("bias_add", dtype), p.grid, kThreads, 0, c, bias, M, N, stride, p.wide);
}

static void bias_gelu(void* y, void* pre, const void* product, DType dtype, int64_t M, int64_t N, int64_t stride,
                      const float* bias, Gelu form) {
  if (M * N == 0) return;
  const Plan p = plan(dtype, M, N, stride, {y, pre, product, bias});
  launch(typed("bias_gelu", dtype), p.grid, kThreads, 0, y, pre, product, bias, M, N, stride, static_cast<int>(form),
         p.wide);
}

void finish_gelu(void* c, void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, const float* bias) {
  bias_gelu(c, pre, c, dtype, M, N, stride, bias, Gelu::tanh);
}

void gelu(void* y, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, Gelu form) {
  bias_gelu(y, nullptr, pre, dtype, M, N, stride, nullptr, form);
}

void finish_gelu_grad(void* c, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride) {
  gelu_grad(c, pre, dtype, M, N, stride, Gelu::tanh);
}

void gelu_grad(void* c, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, Gelu form) {
  if (M * N == 0) return;
  const Plan p = plan(dtype, M, N, stride, {c, pre});
  launch(typed("gelu_grad", dtype), p.grid, kThreads, 0, c, pre, M, N, stride, static_cast<int>(form), p.wide);
}

}  // namespace gpt
