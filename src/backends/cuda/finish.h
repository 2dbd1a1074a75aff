// What follows a product, as kernels of their own: where no epilogue of cuBLASLt does it, and for the other GELU.
//
// Matrices are (M,N), row-major, `stride` elements from one row to the next, float32 or bfloat16; bias (N).
#pragma once
#include "kernel.h"

namespace gpt {

// The codes of mlp.ts.
enum class Gelu : int { tanh = 1, erf = 2 };

// c += bias
void finish_bias(void* c, DType dtype, int64_t M, int64_t N, int64_t stride, const float* bias);

// pre = c + bias, c = GELU(pre)
void finish_gelu(void* c, void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, const float* bias);

// c *= GELU'(pre)
void finish_gelu_grad(void* c, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride);

// y = GELU(pre)
void gelu(void* y, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, Gelu form);

// c *= GELU'(pre)
void gelu_grad(void* c, const void* pre, DType dtype, int64_t M, int64_t N, int64_t stride, Gelu form);

}  // namespace gpt
