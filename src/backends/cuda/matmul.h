// Matrix products on the GPU by cuBLASLt: C (M,N) = A (M,K) B (K,N), all row-major, sums in float32.
#pragma once
#include "../call.h"

namespace gpt {

// A row-major matrix. transposed: A is stored (K,M), B is stored (N,K). stride: elements from one stored row to the
// next.
struct Matrix {
  const void* data;
  DType dtype;  // f32 or bf16; A and B of one product are of one type
  int64_t stride;
  bool transposed = false;
};

enum class Finish {
  none,
  bias,       // C = A B + bias
  gelu,       // pre = A B + bias, C = GELU(pre), tanh form
  gelu_grad,  // C = (A B) * GELU'(pre), tanh form
};

struct Product {
  int64_t M, N, K;
  Matrix a, b;
  void* c;
  DType c_type;  // f32, or that of A and B
  int64_t c_stride;
  bool accumulate = false;  // C += A B
  Finish finish = Finish::none;
  const float* bias = nullptr;  // (N)
  void* pre = nullptr;          // (M,N), stride c_stride, type of C: written by gelu, read by gelu_grad
  int64_t batch = 1;            // products, `..._step` elements apart
  int64_t a_step = 0, b_step = 0, c_step = 0;
};

void matmul(const Product& product);

}  // namespace gpt
