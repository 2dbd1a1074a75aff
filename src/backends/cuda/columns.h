// Sums over rows on the GPU, in an order that depends on the sizes alone.
#pragma once
#include "kernel.h"

namespace gpt {

// to (N) += the column sums of a row-major matrix (M,N), `stride` elements from one row to the next
void add_column_sums(float* to, const void* matrix, DType dtype, int64_t M, int64_t N, int64_t stride);

// to (N) += the column sums of partial (P,N)
void add_partials(float* to, const float* partial, int64_t P, int64_t N);

// partial (P,2,N): to_0 (N) and to_1 (N), each += the column sums of its half
void add_partials(float* to_0, float* to_1, const float* partial, int64_t P, int64_t N);

}  // namespace gpt
