// Batched matrix products on the GPU. Shapes: matmul.ts.
//
// in a, b, each stored as float32 or bfloat16, for _FusedMatMul also bias (N); out c (batches, M, N) float32;
// attrs M, N, K, transpose a, transpose b, then the batch dimensions of broadcast.h.
// One call of cuBLASLt, which takes one step from matrix to matrix of each operand: 0 where the same one repeats.
// Matrices that repeat otherwise are copied in their order first. Where only one operand is bfloat16 it is widened.
#include "../../../backends/cuda/matmul.h"

#include "../../../backends/cuda/convert.h"
#include "../broadcast.h"
#include "../elementwise.h"
#include "../strides.h"

namespace gpt {

namespace {

// The matrices of an operand in the order of the products.
class Matrices {
 public:
  // strides: elements from one matrix to the next, per batch dimension
  Matrices(const Broadcast& batch, const int64_t* strides, int64_t size)
      : batch_(batch), strides_(strides), size_(size) {
    for (int i = 0; i < batch.n; i++) stored_ += (batch.size[i] - 1) * strides[i];
    for (int i = 0; i + 1 < batch.n; i++) fits_ = fits_ && strides[i] == strides[i + 1] * batch.size[i + 1];
  }
  int64_t stored() const { return stored_ + size_; }  // elements
  bool fits() const { return fits_; }                 // one step leads through all
  int64_t step() const { return !fits_ ? size_ : batch_.n > 0 ? strides_[batch_.n - 1] : 0; }

  // x, or a copy of all in scratch memory.
  const void* in_order(const void* x, std::optional<Scratch>* copy) const {
    if (fits_) return x;
    Strides axes = {};
    GPT_CHECK(batch_.n < kMostDimensions, "too many batch dimensions");
    for (int i = 0; i < batch_.n; i++) {
      axes.size[i] = batch_.size[i];
      axes.a[i] = strides_[i];
    }
    axes.size[batch_.n] = size_;
    axes.a[batch_.n] = 1;
    axes.n = batch_.n + 1;
    const int64_t total = batch_.count(batch_.n) * size_, packs = size_ % 4 == 0 ? total / 4 : 0;
    axes.narrow = total < (int64_t{1} << 31);
    float* y = copy->emplace(total * sizeof(float)).floats();
    launch("transpose_elements_f32", elementwise_grid(packs ? packs : total), kElementwiseThreads, 0, x, axes, total,
           packs, y);
    return y;
  }

 private:
  const Broadcast& batch_;
  const int64_t* strides_;
  int64_t size_, stored_ = 0;
  bool fits_ = true;
};

void multiply(const Call& call, const float* bias) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const bool transpose_a = call.flag(3), transpose_b = call.flag(4);
  const Broadcast batch(call, 5);
  const int64_t batches = batch.count(batch.n), size = batches * M * N;
  float* c = f32_out(call, 0, size);
  if (K == 0) {
    if (!bias) return zero(c, size * sizeof(float));
    launch("matmul_bias_f32", elementwise_grid(size), kElementwiseThreads, 0, bias, size, N, c);
    return;
  }
  const Matrices of_a(batch, batch.a, M * K), of_b(batch, batch.b, K * N);
  const void *a = tensor_in(call, 0, of_a.stored()), *b = tensor_in(call, 1, of_b.stored());
  const DType a_type = call.in[0].dtype, b_type = call.in[1].dtype;
  const DType dtype = a_type == b_type && of_a.fits() && of_b.fits() ? a_type : DType::f32;
  const Operand wide_a(a, a_type, dtype, of_a.stored()), wide_b(b, b_type, dtype, of_b.stored());
  std::optional<Scratch> a_copy, b_copy;
  Product product = {};
  product.M = M;
  product.N = N;
  product.K = K;
  product.a = {of_a.in_order(wide_a.data(), &a_copy), dtype, transpose_a ? M : K, transpose_a};
  product.b = {of_b.in_order(wide_b.data(), &b_copy), dtype, transpose_b ? K : N, transpose_b};
  product.c = c;
  product.c_type = DType::f32;
  product.c_stride = N;
  product.finish = bias ? Finish::bias : Finish::none;
  product.bias = bias;
  product.batch = batches;
  product.a_step = of_a.step();
  product.b_step = of_b.step();
  product.c_step = M * N;
  matmul(product);
}

}  // namespace

static void batch_matmul(const Call& call) { multiply(call, nullptr); }
GPT_KERNEL("BatchMatMul", "matrix products of a batch", "ww", "f", batch_matmul);

static void fused_matmul(const Call& call) { multiply(call, f32_in(call, 2, call.dim(1))); }
GPT_KERNEL("_FusedMatMul", "matrix products of a batch, with bias", "wwf", "f", fused_matmul);

}  // namespace gpt
