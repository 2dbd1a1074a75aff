// Token and position embedding on the CPU. Mathematics and shapes: embedding.ts.
//
// The gradient of the token table is summed without atomics: each thread owns a range of columns and walks all tokens
// in order, so the result does not depend on the number of threads.
#include <algorithm>

#include "../../backends/native/kernel.h"
#include "../../backends/native/simd.h"

namespace gpt {

namespace {

template <class W>
void add_rows(const int32_t* ids, const W* wte, const W* wpe, int64_t rows, int64_t T, int64_t C, float* x) {
#pragma omp parallel for schedule(static)
  for (int64_t n = 0; n < rows; n++) {
    const W *token = wte + ids[n] * C, *position = wpe + n % T * C;
    float* xn = x + n * C;
#pragma omp simd
    for (int64_t c = 0; c < C; c++) xn[c] = element(token, c) + element(position, c);
  }
}

}  // namespace

// in ids (B,T) int32, wte (V,C), wpe (P,C), both float32 or both bfloat16; out x (B,T,C);
// attrs B, T, C, V, first position
static void embedding(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), C = call.dim(2), V = call.dim(3), first = call.dim(4);
  const int32_t* ids = i32_in(call, 0, B * T);
  const Stored wte = stored_in(call, 1, V * C), wpe = stored_in(call, 2, (first + T) * C);
  GPT_CHECK(wte.bf16 == wpe.bf16, "the tables of tokens and positions are stored differently");
  float* x = f32_out(call, 0, B * T * C);
  for (int64_t n = 0; n < B * T; n++) {
    GPT_CHECK(ids[n] >= 0 && ids[n] < V,
              "token id " + std::to_string(ids[n]) + " is outside the vocabulary of " + std::to_string(V));
  }
  if (wte.bf16)
    add_rows(ids, static_cast<const uint16_t*>(wte.data), static_cast<const uint16_t*>(wpe.data) + first * C, B * T, T,
             C, x);
  else
    add_rows(ids, static_cast<const float*>(wte.data), static_cast<const float*>(wpe.data) + first * C, B * T, T, C, x);
}
GPT_KERNEL_BF16("GptEmbedding", "x = wte[ids] + wpe[position]", embedding);

// in ids (B,T) int32, dx (B,T,C); out dwte (V,C), dwpe (P,C), both added to; attrs B, T, C, first position
static void embedding_grad(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), C = call.dim(2), first = call.dim(3);
  const int32_t* ids = i32_in(call, 0, B * T);
  const float* dx = f32_in(call, 1, B * T * C);
  float *dwte = f32_out(call, 0, C), *dwpe = f32_out(call, 1, (first + T) * C);
  constexpr int64_t kColumns = 16;  // one cache line
#pragma omp parallel for schedule(static)
  for (int64_t c0 = 0; c0 < C; c0 += kColumns) {
    const int64_t c1 = std::min(C, c0 + kColumns);
    for (int64_t n = 0; n < B * T; n++) {
      float *token = dwte + ids[n] * C, *position = dwpe + (first + n % T) * C;
      const float* d = dx + n * C;
      for (int64_t c = c0; c < c1; c++) {
        token[c] += d[c];
        position[c] += d[c];
      }
    }
  }
}
GPT_KERNEL("GptEmbeddingGrad", "dwte[ids] += dx, dwpe[position] += dx", embedding_grad);

}  // namespace gpt
