// Batched matrix products on the CPU. Shapes: matmul.ts.
//
// in a, b (float32 or bfloat16), for _FusedMatMul also bias (N); out c (batches, M, N);
// attrs M, N, K, transpose a, transpose b, then the batch dimensions of broadcast.h.
// Few batches: all cores share each product. Many: each core takes whole ones. Both cut C into the same tiles.
#include "../../../backends/native/gemm.h"
#include "../broadcast.h"

namespace gpt {

namespace {

constexpr int64_t kManyBatches = 8;

void multiply(const Call& call, const float* bias) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const bool transpose_a = call.flag(3), transpose_b = call.flag(4);
  const Broadcast batch(call, 5);
  const int64_t batches = batch.count(batch.n);
  int64_t a_size = M * K, b_size = K * N;
  for (int i = 0; i < batch.n; i++) {
    a_size += (batch.size[i] - 1) * batch.a[i];
    b_size += (batch.size[i] - 1) * batch.b[i];
  }
  const float* a = f32_in(call, 0, a_size);
  const Stored b = stored_in(call, 1, b_size);
  const int64_t b_bytes = b.bf16 ? 2 : 4;
  float* c = f32_out(call, 0, batches * M * N);
  const auto multiply_one = [&](int64_t i, int64_t ia, int64_t ib) {
    float* ci = c + i * M * N;
    const Epilogue add_bias = [=](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
      for (int64_t r = i0; r < i1; r++) {
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) ci[r * N + j] += bias[j];
      }
    };
    product(M, N, K, {a + ia, transpose_a ? M : K, transpose_a},
            {{static_cast<const char*>(b.data) + ib * b_bytes, b.bf16}, transpose_b ? K : N, transpose_b}, ci, N,
            bias ? add_bias : Epilogue());
  };
  // not one parallel region with an if clause: gemm's own would be nested, and start new threads for every product
  if (batches < kManyBatches) return batch.walk(batch.n, 0, batches, multiply_one);
  std::string error;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < batches; i++) {
    try {
      batch.walk(batch.n, i, i + 1, multiply_one);
    } catch (const std::exception& e) {  // must not leave the parallel region
#pragma omp critical
      error = e.what();
    }
  }
  if (!error.empty()) throw std::runtime_error(error);
}

}  // namespace

static void batch_matmul(const Call& call) { multiply(call, nullptr); }
GPT_KERNEL_BF16("BatchMatMul", "matrix products of a batch", batch_matmul);

static void fused_matmul(const Call& call) { multiply(call, f32_in(call, 2, call.dim(1))); }
GPT_KERNEL_BF16("_FusedMatMul", "matrix products of a batch, with bias", fused_matmul);

}  // namespace gpt
