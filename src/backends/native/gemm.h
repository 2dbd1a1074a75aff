// Matrix products for all kernels.
//
// gemm() cuts C into tiles, one thread each. However it is cut, an element of C is the same sum in the same order: K is
// cut into ranges that depend on K alone. So results are bitwise equal for any number of threads, and a row of C does
// not depend on the rows beside it. `epilogue` runs on rows of a tile while they are in the cache (bias, GELU).
#pragma once
#include <cstdint>
#include <functional>

#include "kernel.h"
#include "scratch.h"
#include "simd.h"

namespace gpt {

struct Matrix {
  const float* data;
  int64_t stride;           // elements between rows, as stored
  bool transposed = false;  // the product uses the transpose of what is stored
};

// Rows [i0, i1), columns [j0, j1) of C are final.
using Epilogue = std::function<void(int64_t i0, int64_t i1, int64_t j0, int64_t j1)>;

// C (M,N) = A (M,K) B (K,N), or C += A B; column_sums (N), where given, += the sums of B's columns. All cores.
void gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate,
          const Epilogue& epilogue = nullptr, float* column_sums = nullptr);

// A matrix that may be stored as bfloat16.
struct StoredMatrix {
  Stored stored;
  int64_t stride;
  bool transposed = false;
};

// C = A B as a forward pass wants it: by few_rows() for up to kFewRows rows (decoding), else by gemm(). The sums of a
// row have another order there, so what is to be bitwise the same in chunks of any size takes gemm().
void product(int64_t M, int64_t N, int64_t K, Matrix a, StoredMatrix b, float* c, int64_t c_stride,
             const Epilogue& epilogue = nullptr);

constexpr int64_t kFewRows = 4;
// For 1 to kFewRows rows, none of them transposed: few_rows.cc. All cores.
void few_rows(int64_t M, int64_t N, int64_t K, Matrix a, StoredMatrix b, float* c, int64_t c_stride);

// The product of A and B rounded to bfloat16, with float32 sums: bf16.cc. All cores.
void gemm_bf16(int64_t M, int64_t N, int64_t K, StoredMatrix a, StoredMatrix b, float* c, int64_t c_stride,
               bool accumulate, const Epilogue& epilogue = nullptr, float* column_sums = nullptr);
// The instructions for it that CPU and operating system have, "amx" or "avx512_bf16", and the library that uses them,
// "oneDNN 2.6.3". One of them empty: it is gemm() of rounded operands, slower than float32.
const char* bf16_instructions();
const char* bf16_library();

// gemm_bf16(), or else gemm() of operands that are stored as float32.
void gemm_in(bool bf16, int64_t M, int64_t N, int64_t K, StoredMatrix a, StoredMatrix b, float* c, int64_t c_stride,
             bool accumulate, const Epilogue& epilogue = nullptr, float* column_sums = nullptr);

// From one storage to the other, on all cores; the float32 numbers lie in scratch.
void to_bf16(const float* x, int64_t size, uint16_t* out);
const float* from_bf16(const uint16_t* x, int64_t size, Scratch& scratch);

// Calls body for each tile of C, on all cores: rows [i0, i1), columns [j0, j1). Tiles are cut until there are `wanted`.
void for_tiles(int64_t M, int64_t N, int64_t wanted, const Epilogue& body);

constexpr int64_t kSmall = 32768;  // multiply-adds that are not worth waking threads for

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// ---- the register tile, of gemm() and attention ------------------------------------------------------------------

// C (ROWS, VECS * kWidth) = or += sum over k of a[i * a_row + k * a_col] * b[k * b_row + j]
template <int ROWS, int VECS>
inline void register_tile(int64_t K, const float* a, int64_t a_row, int64_t a_col, const float* b, int64_t b_row,
                          float* c, int64_t c_row, bool accumulate) {
  Vec acc[ROWS][VECS] = {};
#pragma GCC unroll 12
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < VECS; v++) __builtin_prefetch(c + i * c_row + v * kWidth, 1);  // it is there when the sums are
  }
#pragma GCC unroll 2
  for (int64_t k = 0; k < K; k++) {
    Vec bk[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < VECS; v++) bk[v] = load(b + k * b_row + v * kWidth);
    const float* ak = a + k * a_col;
#pragma GCC unroll 12
    for (int i = 0; i < ROWS; i++) {
      const Vec ai = ak[i * a_row] - Vec{};  // broadcast
#pragma GCC unroll 4
      for (int v = 0; v < VECS; v++) acc[i][v] += ai * bk[v];
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < VECS; v++) {
      float* to = c + i * c_row + v * kWidth;
      store(to, accumulate ? load(to) + acc[i][v] : acc[i][v]);
    }
  }
}

}  // namespace gpt
