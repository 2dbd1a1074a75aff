// Layer norm on the GPU, alone and after a residual add. Mathematics and shapes: layernorm.ts; kernels:
// layernorm.cuda.cu.
#include <algorithm>

#include "../../backends/cuda/columns.h"
#include "../../backends/cuda/kernel.h"

namespace gpt {

namespace {

constexpr int64_t kMostWarps = 16;  // of a block, KERNEL(512, ...), and of the backward pass on a multiprocessor

struct Plan {
  bool any;           // by elements, a block per row
  int64_t warps = 0;  // a row
  int64_t teams = 1;  // rows a block
  int threads = 256;
};

// packs: of 16 bytes that a thread holds. most: warps of a block that has several teams.
Plan plan(DType dtype, int64_t C, int64_t packs, int64_t most) {
  const int64_t pack = 16 / bytes_of(dtype), warps = blocks(C, packs * pack * 32);
  if (C % pack != 0 || warps > kMostWarps) return {true};
  const int64_t teams = std::max<int64_t>(1, most / warps);
  return {false, warps, teams, static_cast<int>(warps * teams * 32)};
}

// total, branch: null for a layer norm alone
void forward(void* total, void* y, const void* x, const void* branch, const float* weight, const float* bias,
             DType dtype, int64_t N, int64_t C, float eps) {
  if (N * C == 0) return;
  const int width = static_cast<int>(C);
  const Plan p = plan(dtype, C, dtype == DType::bf16 ? 4 : 8, 4);
  if (p.any) {
    launch(typed("layernorm_any", dtype), {N}, p.threads, 128, total, y, x, branch, weight, bias, width, eps);
  } else {
    launch(typed("layernorm", dtype), {blocks(N, p.teams)}, p.threads, p.warps > 1 ? 256 : 0, total, y, x, branch,
           weight, bias, N, width, static_cast<int>(p.warps), eps);
  }
}

// dsum: null for a layer norm alone. dweight, dbias are added to.
void backward(void* dx, float* dweight, float* dbias, const void* x, const float* weight, const void* dy,
              const void* dsum, DType dtype, int64_t N, int64_t C, float eps) {
  if (N * C == 0) return;
  const int width = static_cast<int>(C);
  const Plan p = plan(dtype, C, dtype == DType::bf16 ? 3 : 4, 8);
  // blocks that run at once, as far as there are rows; each leaves a partial sum
  const int64_t at_once = (p.any ? 4 : kMostWarps * 32 / p.threads) * multiprocessors();
  const int64_t grid = std::min(blocks(N, p.teams), at_once);
  const Scratch partial(grid * 2 * C * 4);
  if (p.any) {
    launch(typed("layernorm_any_grad", dtype), {grid}, p.threads, 128, dx, partial.data(), x, weight, dy, dsum, N,
           width, eps);
  } else {
    launch(typed("layernorm_grad", dtype), {grid}, p.threads, (128 + (p.teams > 1 ? 2 * C : 0)) * 4, dx, partial.data(),
           x, weight, dy, dsum, N, width, static_cast<int>(p.warps), eps);
  }
  add_partials(dweight, dbias, partial.floats(), grid, C);
}

}  // namespace

// in x, weight, bias; out y; attrs N, C, eps
static void layer_norm(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  forward(nullptr, tensor_out(call, 0, N * C), tensor_in(call, 0, N * C), nullptr, f32_in(call, 1, C),
          f32_in(call, 2, C), call.in[0].dtype, N, C, call.num(2));
}
GPT_KERNEL("GptLayerNorm", "y = layer norm of x over its last axis", "aff", "a", layer_norm);

// in x, weight, dy; out dx, and dweight, dbias which are added to; attrs N, C, eps
static void layer_norm_grad(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  backward(tensor_out(call, 0, N * C), f32_out(call, 1, C), f32_out(call, 2, C), tensor_in(call, 0, N * C),
           f32_in(call, 1, C), tensor_in(call, 2, N * C), nullptr, call.in[0].dtype, N, C, call.num(2));
}
GPT_KERNEL("GptLayerNormGrad", "gradient of GptLayerNorm", "afa", "aff", layer_norm_grad);

// in x, branch, weight, bias; out sum = x + branch, y = layer norm of sum; attrs N, C, eps
static void residual_layer_norm(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  forward(tensor_out(call, 0, N * C), tensor_out(call, 1, N * C), tensor_in(call, 0, N * C), tensor_in(call, 1, N * C),
          f32_in(call, 2, C), f32_in(call, 3, C), call.in[0].dtype, N, C, call.num(2));
}
GPT_KERNEL("GptResidualLayerNorm", "sum = x + branch, y = layer norm of sum", "aaff", "aa", residual_layer_norm);

// in sum, weight, dsum, dy; out d (the gradient of both x and branch), and dweight, dbias which are added to;
// attrs N, C, eps
static void residual_layer_norm_grad(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  backward(tensor_out(call, 0, N * C), f32_out(call, 1, C), f32_out(call, 2, C), tensor_in(call, 0, N * C),
           f32_in(call, 1, C), tensor_in(call, 3, N * C), tensor_in(call, 2, N * C), call.in[0].dtype, N, C,
           call.num(2));
}
GPT_KERNEL("GptResidualLayerNormGrad", "gradient of GptResidualLayerNorm", "afaa", "aff", residual_layer_norm_grad);

}  // namespace gpt
