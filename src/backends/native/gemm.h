// Matrix products for all kernels.
//
// gemm() cuts C into tiles whose size depends on the shape only, never on the number of threads, and never cuts K:
// so results are bitwise equal for any number of threads. Each tile is computed by one thread, by oneDNN where its
// library was found at run time, else by the blocked product in gemm.cc. `epilogue` then runs on the tile while it is
// in the cache (bias, GELU).
#pragma once
#include <cstdint>
#include <functional>

#include "kernel.h"
#include "simd.h"

namespace gpt {

struct Matrix {
  const float* data;
  int64_t stride;           // elements between rows, as stored
  bool transposed = false;  // the product uses the transpose of what is stored
};

// Tile rows [i0, i1), columns [j0, j1) of C are final.
using Epilogue = std::function<void(int64_t i0, int64_t i1, int64_t j0, int64_t j1)>;

// C (M,N) = A (M,K) B (K,N), or C += A B. All cores.
void gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate,
          const Epilogue& epilogue = nullptr);

// The same by the calling thread alone, for use inside a parallel region.
void gemm_serial(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate);

// The right side of a product as it is stored, float32 or bfloat16.
struct Weights {
  Stored stored;
  int64_t stride;
  bool transposed = false;
};

// C = A B as a forward pass wants it: by few_rows() for up to kFewRows rows (decoding), else by gemm(). The sums of a
// row have another order there, so what is to be bitwise the same in chunks of any size takes gemm().
void product(int64_t M, int64_t N, int64_t K, Matrix a, Weights b, float* c, int64_t c_stride,
             const Epilogue& epilogue = nullptr);

constexpr int64_t kFewRows = 4;
// For 1 to kFewRows rows, none of them transposed: few_rows.cc. All cores.
void few_rows(int64_t M, int64_t N, int64_t K, Matrix a, Weights b, float* c, int64_t c_stride);

// "oneDNN 2.6.3 (libdnnl.so.2)", or why not: "own kernels (libdnnl.so.2, .3 not found)".
const char* gemm_library();
// Switches oneDNN off (tests compare both). Returns whether it is in use now.
bool use_onednn(bool on);

// ---- the register tile, also used by attention -------------------------------------------------------------------

#if defined(__AVX512F__)
constexpr int kTileRows = 12;  // 24 accumulators of 32 registers
#elif defined(__AVX2__)
constexpr int kTileRows = 6;  // 12 of 16
#else
constexpr int kTileRows = 4;  // 8 of 16
#endif
constexpr int kTileCols = 2 * kWidth;

// C (ROWS, kTileCols) = or += sum over k of a[i * a_row + k * a_col] * b[k * b_row + j]
template <int ROWS>
inline void register_tile(int64_t K, const float* a, int64_t a_row, int64_t a_col, const float* b, int64_t b_row,
                          float* c, int64_t c_row, bool accumulate) {
  Vec acc[ROWS][2];
#pragma GCC unroll 12
  for (int i = 0; i < ROWS; i++) {
    acc[i][0] = accumulate ? load(c + i * c_row) : Vec{};
    acc[i][1] = accumulate ? load(c + i * c_row + kWidth) : Vec{};
  }
  for (int64_t k = 0; k < K; k++) {
    const Vec b0 = load(b + k * b_row), b1 = load(b + k * b_row + kWidth);
    const float* ak = a + k * a_col;
#pragma GCC unroll 12
    for (int i = 0; i < ROWS; i++) {
      const Vec ai = ak[i * a_row] - Vec{};  // broadcast
      acc[i][0] += ai * b0;
      acc[i][1] += ai * b1;
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < ROWS; i++) {
    store(c + i * c_row, acc[i][0]);
    store(c + i * c_row + kWidth, acc[i][1]);
  }
}

// Product of small matrices without packing: N must be a multiple of kTileCols and B's rows contiguous.
inline void small_gemm(int64_t M, int64_t N, int64_t K, const float* a, int64_t a_row, int64_t a_col, const float* b,
                       int64_t b_row, float* c, int64_t c_row, bool accumulate) {
  for (int64_t j = 0; j < N; j += kTileCols) {
    int64_t i = 0;
    for (; i + kTileRows <= M; i += kTileRows)
      register_tile<kTileRows>(K, a + i * a_row, a_row, a_col, b + j, b_row, c + i * c_row + j, c_row, accumulate);
    for (; i + 8 <= M; i += 8)
      register_tile<8>(K, a + i * a_row, a_row, a_col, b + j, b_row, c + i * c_row + j, c_row, accumulate);
    for (; i + 4 <= M; i += 4)
      register_tile<4>(K, a + i * a_row, a_row, a_col, b + j, b_row, c + i * c_row + j, c_row, accumulate);
    for (; i < M; i++)
      register_tile<1>(K, a + i * a_row, a_row, a_col, b + j, b_row, c + i * c_row + j, c_row, accumulate);
  }
}

}  // namespace gpt
