// Tiled matrix product; see gemm.h.
//
// The order of loops is that of Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication": a block
// of B, packed into panels of kCols columns, stays in the L2 cache; kRows rows of A stay in L1 while they meet panel
// after panel; the sums stay in registers (register_tile). A is read where it lies, unless it is transposed.
// Measured at 90 % of what the arithmetic units can do, packing included, for the shapes of a training step.
#include "gemm.h"

#include <omp.h>

#include <algorithm>

#include "scratch.h"

namespace gpt {

namespace {

// 24 accumulators of 32 registers, or 12 of 16. Three vectors of B for each element of A: loads are the next limit.
constexpr int kVecs = 3;
constexpr int64_t kCols = kVecs * kWidth;
#if defined(__AVX512F__)
constexpr int64_t kRows = 8;
#else
constexpr int64_t kRows = 4;
#endif
constexpr int64_t kDepth = 384;                // of B's block, at most
constexpr int64_t kTileM = 768, kTileN = 384;  // the block and a tile of C fit the L2 cache
constexpr int64_t kStrip = 8;                  // rows that packing reads from end to end: memory likes long runs

int64_t ceil_div(int64_t n, int64_t d) { return (n + d - 1) / d; }

// The transpose of x (n <= kWidth rows, depth) -> out (depth, out_stride), zeros for the rows that are not there.
void pack_transposed(const float* x, int64_t stride, int64_t n, int64_t depth, float* out, int64_t out_stride) {
  int64_t k = 0;
  for (; n == kWidth && k + kWidth <= depth; k += kWidth) {
    Vec rows[kWidth];
#pragma GCC unroll 16
    for (int j = 0; j < kWidth; j++) rows[j] = load(x + j * stride + k);
    transpose_square(rows);
#pragma GCC unroll 16
    for (int j = 0; j < kWidth; j++) store(out + (k + j) * out_stride, rows[j]);
  }
  for (; k < depth; k++) {
    for (int64_t j = 0; j < kWidth; j++) out[k * out_stride + j] = j < n ? x[j * stride + k] : 0.0f;
  }
}

// x (depth, columns), rows stride apart -> panels of WIDTH columns one behind the other, each (depth, WIDTH),
// zero-padded.
template <int64_t WIDTH>
void pack_panels(const float* x, int64_t stride, int64_t columns, int64_t depth, float* out) {
  for (int64_t k0 = 0; k0 < depth; k0 += kStrip) {
    const int64_t k1 = std::min(depth, k0 + kStrip);
    for (int64_t j = 0; j < columns; j += WIDTH) {
      float* panel = out + j * depth;
      const int64_t n = std::min(WIDTH, columns - j);
      for (int64_t k = k0; k < k1; k++) {
        const float* from = x + k * stride + j;
        float* to = panel + k * WIDTH;
        if (n == WIDTH) {
          std::copy_n(from, WIDTH, to);
        } else {
          std::fill(std::copy_n(from, n, to), to + WIDTH, 0.0f);
        }
      }
    }
  }
}

// Rows [k0, k0 + depth) of B, N columns, in panels.
void pack_b(Matrix b, int64_t k0, int64_t depth, int64_t N, float* out) {
  if (!b.transposed) return pack_panels<kCols>(b.data + k0 * b.stride, b.stride, N, depth, out);
  for (int64_t j = 0; j < round_up(N, kCols); j += kWidth) {
    const int64_t n = std::clamp<int64_t>(N - j, 0, kWidth);
    pack_transposed(b.data + std::min(j, N) * b.stride + k0, b.stride, n, depth,
                    out + j / kCols * kCols * depth + j % kCols, kCols);
  }
}

// sums (N) += the sums of the columns of packed B.
void add_column_sums(const float* panels, int64_t depth, int64_t N, float* sums) {
  for (int64_t j = 0; j < N; j += kCols, panels += depth * kCols) {
    Vec total[kVecs] = {};
    for (int64_t k = 0; k < depth; k++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; v++) total[v] += load(panels + k * kCols + v * kWidth);
    }
    const float* totals = reinterpret_cast<const float*>(total);
    for (int64_t l = 0; l < std::min(kCols, N - j); l++) sums[j + l] += totals[l];
  }
}

// C (ROWS, columns) = or += A B for one panel of B. The columns that fill no vector go through a copy.
template <int ROWS>
void panel_product(int64_t depth, const float* a, int64_t a_row, int64_t a_col, const float* panel, int64_t columns,
                   float* c, int64_t c_row, bool add) {
  if (columns >= kCols) return register_tile<ROWS, kVecs>(depth, a, a_row, a_col, panel, kCols, c, c_row, add);
  float edge[ROWS * kWidth];
  for (int64_t j = 0; j < columns; j += kWidth) {
    const int64_t n = std::min<int64_t>(kWidth, columns - j);
    if (n == kWidth) {
      register_tile<ROWS, 1>(depth, a, a_row, a_col, panel + j, kCols, c + j, c_row, add);
      continue;
    }
    register_tile<ROWS, 1>(depth, a, a_row, a_col, panel + j, kCols, edge, kWidth, false);
    for (int i = 0; i < ROWS; i++) {
      for (int64_t l = 0; l < n; l++) c[i * c_row + j + l] = edge[i * kWidth + l] + (add ? c[i * c_row + j + l] : 0.0f);
    }
  }
}

// One tile of C, all of K, by the calling thread.
void tile_product(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate,
                  const Epilogue& epilogue, float* column_sums) {
  static thread_local Scratch for_a, for_b;
  const int64_t most = round_up(ceil_div(K, ceil_div(K, kDepth)), kWidth);
  float* pb = for_b.floats(round_up(N, kCols) * most);
  float* pa = a.transposed ? for_a.floats(round_up(M, kRows) * most) : nullptr;
  for (int64_t k0 = 0; k0 < K; k0 += most) {
    const int64_t depth = std::min(most, K - k0);
    const bool add = accumulate || k0 > 0, last = k0 + depth == K;
    pack_b(b, k0, depth, N, pb);
    if (column_sums) add_column_sums(pb, depth, N, column_sums);
    if (a.transposed) pack_panels<kRows>(a.data + k0 * a.stride, a.stride, M, depth, pa);
    for (int64_t i = 0, rows; i < M; i += rows) {
      rows = M - i >= kRows ? kRows : M - i >= 4 ? 4 : 1;
      const float* ai = a.transposed ? pa + i / kRows * kRows * depth + i % kRows : a.data + i * a.stride + k0;
      const int64_t a_row = a.transposed ? 1 : a.stride, a_col = a.transposed ? kRows : 1;
      const auto by_panel = rows == kRows ? panel_product<kRows> : rows == 4 ? panel_product<4> : panel_product<1>;
      for (int64_t j = 0; j < N; j += kCols)
        by_panel(depth, ai, a_row, a_col, pb + j * depth, N - j, c + i * c_stride + j, c_stride, add);
      if (last && epilogue) epilogue(i, i + rows, 0, N);
    }
  }
}

}  // namespace

void for_tiles(int64_t M, int64_t N, int64_t wanted, const Epilogue& body) {
  int64_t tile_m = std::min(M, kTileM), tile_n = std::min(N, kTileN);
  while (ceil_div(M, tile_m) * ceil_div(N, tile_n) < wanted && std::max(tile_m, tile_n) > kCols) {
    int64_t& larger = tile_m > tile_n ? tile_m : tile_n;
    larger = ceil_div(larger, 2);
  }
  // of one size, in whole panels
  tile_m = round_up(ceil_div(M, ceil_div(M, tile_m)), kRows);
  tile_n = round_up(ceil_div(N, ceil_div(N, tile_n)), kCols);
#pragma omp parallel for collapse(2) schedule(dynamic) if (wanted > 1)
  for (int64_t j0 = 0; j0 < N; j0 += tile_n) {
    for (int64_t i0 = 0; i0 < M; i0 += tile_m) body(i0, std::min(M, i0 + tile_m), j0, std::min(N, j0 + tile_n));
  }
}

void gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate,
          const Epilogue& epilogue, float* column_sums) {
  if (M == 0 || N == 0) return;
  if (K == 0) {
    for (int64_t i = 0; i < M && !accumulate; i++) std::fill_n(c + i * c_stride, N, 0.0f);
    if (epilogue) epilogue(0, M, 0, N);
    return;
  }
  const bool alone = M * N * K <= kSmall || omp_in_parallel();
  for_tiles(M, N, alone ? 1 : 2 * omp_get_max_threads(), [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
    const Matrix at = {a.data + (a.transposed ? i0 : i0 * a.stride), a.stride, a.transposed};
    const Matrix bt = {b.data + (b.transposed ? j0 * b.stride : j0), b.stride, b.transposed};
    Epilogue of_tile;
    if (epilogue) of_tile = [&](int64_t i, int64_t end, int64_t, int64_t) { epilogue(i0 + i, i0 + end, j0, j1); };
    tile_product(i1 - i0, j1 - j0, K, at, bt, c + i0 * c_stride + j0, c_stride, accumulate, of_tile,
                 column_sums && i0 == 0 ? column_sums + j0 : nullptr);
  });
}

void product(int64_t M, int64_t N, int64_t K, Matrix a, StoredMatrix b, float* c, int64_t c_stride,
             const Epilogue& epilogue) {
  if (M <= kFewRows && !a.transposed && M * N * K > kSmall) {
    few_rows(M, N, K, a, b, c, c_stride);
    if (epilogue) epilogue(0, M, 0, N);
    return;
  }
  const float* values = static_cast<const float*>(b.stored.data);
  if (b.stored.bf16) {
    static thread_local Scratch scratch;
    values = from_bf16(static_cast<const uint16_t*>(b.stored.data), (b.transposed ? N : K) * b.stride, scratch);
  }
  gemm(M, N, K, a, {values, b.stride, b.transposed}, c, c_stride, false, epilogue);
}

}  // namespace gpt
