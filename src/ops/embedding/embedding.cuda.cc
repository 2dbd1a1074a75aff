// Launchers of token and position embedding on the GPU. Kernels: embedding.cuda.cu.
#include <utility>

#include "../../backends/cuda/kernel.h"

namespace gpt {

namespace {

constexpr int64_t kLargest = int64_t{1} << 30;  // tokens: their numbers, and some beyond, are 32-bit integers

}  // namespace

// in ids (B,T) int32, wte (V,C), wpe (P,C); out x (B,T,C), stored like the tables; attrs B, T, C, V, first position
static void embedding(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), C = call.dim(2), V = call.dim(3), first = call.dim(4), N = B * T;
  const DType dtype = call.in[1].dtype;
  GPT_CHECK(call.in[2].dtype == dtype, "the tables of tokens and positions are stored differently");
  GPT_CHECK(N < kLargest, "too many tokens");
  const void* ids = tensor_in(call, 0, N);
  const void* wte = tensor_in(call, 1, V * C);
  const void* wpe = tensor_in(call, 2, (first + T) * C);
  void* x = tensor_out(call, 0, N * C);
  if (N * C == 0) return;
  launch(typed("embedding", dtype), {blocks(N, 8)}, 256, 0, ids, wte, wpe, x, static_cast<int>(N), static_cast<int>(T),
         static_cast<int>(C), static_cast<int>(V), static_cast<int>(first));
}
GPT_KERNEL("GptEmbedding", "x = wte[ids] + wpe[position]", "iww", "a", embedding);

// in ids (B,T) int32, dx (B,T,C); out dwte (V,C), dwpe (P,C), both added to; attrs B, T, C, first position
static void embedding_grad(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), C = call.dim(2), first = call.dim(3), N = B * T;
  GPT_CHECK(N < kLargest, "too many tokens");
  const DType dtype = call.in[1].dtype;
  const void* keys = tensor_in(call, 0, N);
  const void* dx = tensor_in(call, 1, N * C);
  float *dwte = f32_out(call, 0, C), *dwpe = f32_out(call, 1, (first + T) * C);
  if (N * C == 0) return;
  const int n = static_cast<int>(N), t = static_cast<int>(T), c = static_cast<int>(C);
  const int v = static_cast<int>(call.out[0].size / C);  // rows of the token table

  // Tables that the sort goes back and forth between.
  const int64_t chunks = blocks(N, 2048), pieces = blocks(N, 32);
  const Scratch counts(chunks * 256 * 4), tables(4 * N * 4), heads(pieces * C * 4);
  int *to = static_cast<int*>(tables.data()), *other = to + 2 * N;
  const void* positions = nullptr;
  for (int shift = 0; v >> shift != 0; shift += 8) {  // ids, and v for those outside the vocabulary
    launch("embedding_count", {chunks}, 256, 256 * 4, keys, counts.data(), n, v, shift);
    launch("embedding_scatter", {chunks}, 256, (8 * 256 + 8) * 4, keys, positions, counts.data(), to, to + N, n, v,
           shift);
    keys = to;
    positions = to + N;
    std::swap(to, other);
  }

  const int64_t size = dtype == DType::bf16 ? 8 : 4;  // elements of 16 bytes
  launch(typed("embedding_token_grad", dtype), {blocks(pieces * blocks(C, 32 * size), 8)}, 256, 0, keys, positions, dx,
         dwte, heads.data(), n, c, v);
  launch("embedding_join", {blocks(pieces * blocks(C, 128), 8)}, 256, 0, keys, heads.data(), dwte, n, c, v);
  launch(typed("embedding_position_grad", dtype), {blocks(T * C, C % size == 0 ? 256 * size : 256)}, 256, 0, dx,
         dwpe + first * C, static_cast<int>(B), t, c);
}
GPT_KERNEL("GptEmbeddingGrad", "dwte[ids] += dx, dwpe[position] += dx", "ia", "ff", embedding_grad);

}  // namespace gpt
