// Batched matrix products on the GPU. Shapes: matmul.ts.
//
// in a, b, each stored as float32 or bfloat16, for _FusedMatMul also bias (N); out c (batches, M, N) float32;
// attrs M, N, K, transpose a, transpose b, then the batch dimensions of broadcast.h.
// The longest batch dimension is one call of cuBLASLt, with the strides of a and b along it (0 where one repeats); the
// others are a loop. Where only one operand is bfloat16 it is widened first.
#include "../../../backends/cuda/matmul.h"

#include "../../../backends/cuda/convert.h"
#include "../broadcast.h"
#include "../elementwise.h"

namespace gpt {

namespace {

void multiply(const Call& call, const float* bias) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const bool transpose_a = call.flag(3), transpose_b = call.flag(4);
  const Broadcast batch(call, 5);
  const int64_t batches = batch.count(batch.n);
  int64_t a_size = M * K, b_size = K * N;
  int longest = 0;
  for (int i = 0; i < batch.n; i++) {
    a_size += (batch.size[i] - 1) * batch.a[i];
    b_size += (batch.size[i] - 1) * batch.b[i];
    if (batch.size[i] > batch.size[longest]) longest = i;
  }
  float* c = f32_out(call, 0, batches * M * N);
  if (K == 0) {
    if (!bias) return zero(c, batches * M * N * sizeof(float));
    const int64_t size = batches * M * N;
    launch("matmul_bias_f32", elementwise_grid(size), kElementwiseThreads, 0, bias, size, N, c);
    return;
  }
  const DType dtype = call.in[0].dtype == call.in[1].dtype ? call.in[0].dtype : DType::f32;
  const Operand a(tensor_in(call, 0, a_size), call.in[0].dtype, dtype, a_size);
  const Operand b(tensor_in(call, 1, b_size), call.in[1].dtype, dtype, b_size);
  Product product = {};
  product.M = M;
  product.N = N;
  product.K = K;
  product.a = {a.data(), dtype, transpose_a ? M : K, transpose_a};
  product.b = {b.data(), dtype, transpose_b ? K : N, transpose_b};
  product.c_type = DType::f32;
  product.c_stride = N;
  product.finish = bias ? Finish::bias : Finish::none;
  product.bias = bias;
  // the loop's dimensions, and where the longest one's own steps are
  Broadcast others = batch;
  int64_t c_step = M * N;
  for (int i = batch.n - 1; i > longest; i--) c_step *= batch.size[i];
  if (batch.n > 0) {
    product.batch = batch.size[longest];
    product.a_step = batch.a[longest];
    product.b_step = batch.b[longest];
    product.c_step = c_step;
    others.size[longest] = 1;
  }
  const int64_t inner = c_step / (M * N);  // batches inside the longest dimension
  const int64_t bytes = bytes_of(dtype);
  others.walk(others.n, 0, others.count(others.n), [&](int64_t i, int64_t ia, int64_t ib) {
    product.a.data = static_cast<const char*>(a.data()) + ia * bytes;
    product.b.data = static_cast<const char*>(b.data()) + ib * bytes;
    product.c = c + (i / inner * inner * product.batch + i % inner) * M * N;
    matmul(product);
  });
}

}  // namespace

static void batch_matmul(const Call& call) { multiply(call, nullptr); }
GPT_KERNEL("BatchMatMul", "matrix products of a batch", "ww", "f", batch_matmul);

static void fused_matmul(const Call& call) { multiply(call, f32_in(call, 2, call.dim(1))); }
GPT_KERNEL("_FusedMatMul", "matrix products of a batch, with bias", "wwf", "f", fused_matmul);

}  // namespace gpt
