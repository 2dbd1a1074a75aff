// Causal and banded attention on the tensor cores: bfloat16, head sizes 64, 80, 96 and 128. Mathematics: attention.ts.
//
// FlashAttention-2 (Dao 2023): no (T,T) matrix exists. A block keeps a tile of rows, each of its four warps 16 or 32 of
// them, and the tiles of the other side pass through a ring of two in shared memory, copied while the previous one is
// at work. All products come from and stay in registers. The gradient: dK and dV by tiles of keys, then dQ by tiles of
// queries: 7 products of tiles instead of 5, and no atomic addition; `attention_rows` (attention.cuda.cu) comes first.
// From memory, per head and per tile of rows: the visible rows of the other side, mostly out of the L2 cache, where
// blocks of one head meet: their indices are neighbours, the longest of them first.
#include "attention.cuh"

namespace attention {

template <int I, int N>
DEVICE void clear(float (&x)[I][N][4]) {
#pragma unroll
  for (int i = 0; i < I; i++) {
#pragma unroll
    for (int n = 0; n < N; n++) {
#pragma unroll
      for (int j = 0; j < 4; j++) x[i][n][j] = 0;
    }
  }
}

// ---- tensor cores: tiles in shared memory

constexpr int kThreads = 128;

// Where chunk `chunk + more` (of 8 elements) of a row lies in a tile of rows of D elements; `more` is 0 or 1, and only
// if chunk is even. Chunks take turns inside groups, so that 8 rows of one chunk, which is what ldmatrix reads at a
// time, lie in 8 different groups of banks. A constant chunk leaves few different sums to be held in registers.
template <int D>
DEVICE int at(int row, int chunk, int more = 0) {
  constexpr int kGroup = D % 64 == 0 ? 8 : D % 32 == 0 ? 4 : 2;
  const int turn = row >> (kGroup == 8 ? 0 : kGroup == 4 ? 1 : 2) & (kGroup - 1);
  return row * D + chunk / kGroup * kGroup * 8 + (chunk % kGroup ^ (more ^ turn)) * 8;
}

// Starts to copy rows row0 .. row0 + rows - 1 of n, `stride` elements apart; zeros stand for those from n on. A thread
// has a place in a group of chunks, and always the same turn: few numbers besides constants.
template <int D, int rows>
DEVICE void fetch(bf16* to, const bf16* from, int stride, int row0, int n) {
  constexpr int kLanes = D / 8 & -(D / 8), kStep = kThreads / kLanes;  // threads a row, rows at a time
  const int r = threadIdx.x / kLanes, c = threadIdx.x % kLanes;
  if (rows < kStep && r >= rows) return;
  bf16* place = to + at<D>(r, c);
#pragma unroll
  for (int i = 0; i < rows; i += kStep) {
    const bool ok = row0 + r + i < n;
    const bf16* row = from + (ok ? (row0 + r + i) * stride + c * 8 : 0);
#pragma unroll
    for (int d = 0; d < D; d += 8 * kLanes) copy_async(place + i * D + d, row + d, ok);
  }
}

// Fragments of 16 G rows and of the elements 16 k .. 16 k + 15, as the left side of a product.
template <int D, int G>
DEVICE void load_rows(u32 (&a)[G][4], const bf16* tile, int row0, int k) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int g = 0; g < G; g++) load_matrices(a[g], tile + at<D>(row0 + g * 16 + (lane & 15), k * 2, lane >> 4));
}

// The row side of a warp: held in registers, or read from shared memory again for each tile.
template <int D, int G, bool held>
struct Rows {
  const bf16* tile;
  int row0;
  u32 kept[held ? D / 16 : 1][G][4];

  DEVICE void hold() {
    if constexpr (held) {
#pragma unroll
      for (int k = 0; k < D / 16; k++) load_rows<D, G>(kept[k], tile, row0, k);
    }
  }
  // s (16 G, N) = rows b^T: b (N, D)
  template <int N>
  DEVICE void times(float (&s)[G][N / 8][4], const bf16* b) const {
    const int lane = threadIdx.x & 31;
    clear(s);
#pragma unroll
    for (int k = 0; k < D / 16; k++) {
      u32 read[G][4];
      if constexpr (!held) load_rows<D, G>(read, tile, row0, k);
      const auto& a = [&]() -> const u32(&)[G][4] {
        if constexpr (held)
          return kept[k];
        else
          return read;
      }();
#pragma unroll
      for (int n = 0; n < N / 16; n++) {
        u32 f[4];
        load_matrices(f, b + at<D>(n * 16 + (lane & 7) + (lane >> 4) * 8, k * 2, lane >> 3 & 1));
#pragma unroll
        for (int g = 0; g < G; g++) {
          mma_16x8x16(s[g][2 * n], a[g], f[0], f[1]);
          mma_16x8x16(s[g][2 * n + 1], a[g], f[2], f[3]);
        }
      }
    }
  }
};

// out (16 G, D) += w b: w (16 G, N) rounded to bfloat16, b (N, D). A result of `times` has the layout of a left side.
template <int D, int G, int N>
DEVICE void add_weighted(float (&out)[G][D / 8][4], const float (&w)[G][N / 8][4], const bf16* b) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int k = 0; k < N / 16; k++) {
    u32 a[G][4];
#pragma unroll
    for (int g = 0; g < G; g++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float(&pair)[4] = w[g][2 * k + (i >> 1)];
        a[g][i] = i & 1 ? pack_bf16(pair[2], pair[3]) : pack_bf16(pair[0], pair[1]);
      }
    }
#pragma unroll
    for (int n = 0; n < D / 16; n++) {
      u32 f[4];
      load_matrices_transposed(f, b + at<D>(k * 16 + (lane & 15), n * 2, lane >> 4));
#pragma unroll
      for (int g = 0; g < G; g++) {
        mma_16x8x16(out[g][2 * n], a[g], f[0], f[1]);
        mma_16x8x16(out[g][2 * n + 1], a[g], f[2], f[3]);
      }
    }
  }
}

// Rounds 16 G rows of a warp, times factor[g][row in the lane's pair], and writes those before n by way of the warp's
// own rows in a tile, 16 bytes a lane.
template <int D, int G>
DEVICE void write_rows(bf16* to, int stride, const float (&out)[G][D / 8][4], const float (&factor)[G][2], bf16* tile,
                       int row0, int first, int n) {
  constexpr int chunks = D / 8;
  const int lane = threadIdx.x & 31;
  __syncwarp();  // the rows in the tile have been read
#pragma unroll
  for (int g = 0; g < G; g++) {
#pragma unroll
    for (int c = 0; c < chunks; c++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        bf16* at_tile = tile + at<D>(row0 + g * 16 + (lane >> 2) + r * 8, c) + (lane & 3) * 2;
        *reinterpret_cast<u32*>(at_tile) =
            pack_bf16(out[g][c][2 * r] * factor[g][r], out[g][c][2 * r + 1] * factor[g][r]);
      }
    }
  }
  __syncwarp();
#pragma unroll 4
  for (int e = lane; e < 16 * G * chunks; e += 32) {
    const int r = e / chunks, c = e % chunks;
    if (first + r < n) {
      *reinterpret_cast<Pack<bf16>*>(to + static_cast<i64>(first + r) * stride + c * 8) =
          *reinterpret_cast<const Pack<bf16>*>(tile + at<D>(row0 + r, c));
    }
  }
}

// Which of a lane's elements of a (16, N) tile dropout keeps: bit 4 n + j for [n][j]. `row` and `column` are those of
// the lane's first element; weight (i, j) of a head is element head + i T + j of the mask. One evaluation of Philox
// yields four neighbouring keys: where T is a multiple of 4 the lanes that hold them share it.
template <int N, bool kQueries>
DEVICE u32 kept_bits(const DropoutMask& mask, i64 head, int row, int column, int T) {
  constexpr int kPairs = N / 16;
  const int lane = threadIdx.x & 31;
  u32 bits = 0;
  if (T % 4 != 0) {
#pragma unroll 1
    for (int e = 0; e < N / 2; e++) {
      const int a = row + (e >> 1 & 1) * 8, b = column + (e >> 2) * 8 + (e & 1);
      const i64 element = kQueries ? static_cast<i64>(a) * T + b : static_cast<i64>(b) * T + a;
      bits |= (mask.one(head + element) != 0 ? 1u : 0u) << e;
    }
    return bits;
  }
  // Of the lanes that share, this one is number `turn`, and evaluates for every second fragment (queries: two lanes
  // hold four keys of a row) or for every fourth pair of a fragment and a column (keys: four lanes do).
  const int turn = kQueries ? lane & 1 : lane >> 2 & 3;
  u32 mine = 0;
#pragma unroll 1
  for (int e = 0; e < 2 * kPairs; e++) {
    const int a = row + (e / kPairs) * 8, n = 2 * (e % kPairs) + (kQueries ? turn : turn >> 1);
    const i64 element = kQueries ? static_cast<i64>(a) * T + column - turn * 2 + n * 8
                                 : static_cast<i64>(column + n * 8 + (turn & 1)) * T + a - turn;
    const Philox r = philox(static_cast<u32>((head + element) >> 2), mask.step, mask.site, 2, mask.key0, mask.key1);
#pragma unroll
    for (int k = 0; k < 4; k++) mine |= (r.x[k] >= mask.threshold ? 1u : 0u) << (4 * e + k);
  }
  constexpr int kSharing = kQueries ? 2 : 4;
  u32 all[kSharing];
#pragma unroll
  for (int i = 0; i < kSharing; i++)
    all[i] = __shfl_sync(kAllLanes, mine, kQueries ? (lane & ~1) | i : (lane & ~12) | i << 2);
#pragma unroll
  for (int n = 0; n < N / 8; n++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const int e = (j >> 1) * kPairs + (n >> 1);
      const u32 bit = kQueries ? all[n & 1] >> (4 * e + turn * 2 + (j & 1))
                               : all[((n & 1) * 2 + (j & 1)) % kSharing] >> (4 * e + turn);
      bits |= (bit & 1) << (4 * n + j);
    }
  }
  return bits;
}

// ---- tensor cores: forward

// qkv (B,T,3HD) -> y (B,T,HD), lse (B,H,T). Block (tile of 128 queries, h, b); 64 keys at a time.
template <int D>
DEVICE void forward(bf16* y, float* lse, const bf16* qkv, int T, int H, int window, float scale,
                    const DropoutMask& mask, bf16* shared) {
  constexpr int G = 2, kRows = 64 * G, kKeys = 64;
  const int h = blockIdx.y, lane = threadIdx.x & 31, row0 = (threadIdx.x >> 5) * 16 * G;
  const int block0 = (gridDim.x - 1 - blockIdx.x) * kRows, stride = 3 * H * D;
  const i64 b = blockIdx.z, head = b * H + h;
  const bf16* q = qkv + b * T * stride + h * D;
  const bf16 *k = q + H * D, *v = k + H * D;
  bf16* ring = shared + kRows * D;  // keys and values, twice
  const auto fetch_keys = [&](int tile) {
    bf16* to = ring + (tile & 1) * 2 * kKeys * D;
    fetch<D, kKeys>(to, k, stride, tile * kKeys, T);
    fetch<D, kKeys>(to + kKeys * D, v, stride, tile * kKeys, T);
  };

  // 32 rows a warp: every fragment of keys and values that is read from shared memory is used twice
  Rows<D, G, D <= 80> rows;
  rows.tile = shared;
  rows.row0 = row0;
  float out[G][D / 8][4], top[G][2], total[G][2];
  clear(out);
#pragma unroll
  for (int g = 0; g < G; g++) {
#pragma unroll
    for (int r = 0; r < 2; r++) top[g][r] = kHidden, total[g][r] = 0;
  }
  const float scale2 = scale * kLog2E;
  const int q0 = block0 + row0, q1 = q0 + 16 * G - 1, last_row = lowest(block0 + kRows, T) - 1;
  const int first = highest(0, block0 - window + 1) / kKeys, last = last_row / kKeys;
  fetch<D, kRows>(shared, q, stride, block0, T);
  fetch_keys(first);
  copies_commit();
  for (int tile = first; tile <= last; tile++) {
    copies_wait<0>();
    __syncthreads();  // this tile is here, and the previous one has been read by all
    if (tile < last) fetch_keys(tile + 1);
    copies_commit();
    if (tile == first) rows.hold();
    const int k0 = tile * kKeys, k1 = k0 + kKeys - 1;
    if (all_hidden(q0, q1, k0, k1, window)) continue;
    const bf16* keys = ring + (tile & 1) * 2 * kKeys * D;
    float s[G][kKeys / 8][4];
    rows.template times<kKeys>(s, keys);
    if (any_hidden(q0, q1, k0, k1, window)) {
#pragma unroll
      for (int g = 0; g < G; g++) {
#pragma unroll
        for (int n = 0; n < kKeys / 8; n++) {
#pragma unroll
          for (int j = 0; j < 4; j++) {
            const int query = q0 + g * 16 + (lane >> 2) + (j >> 1) * 8, key = k0 + n * 8 + (lane & 3) * 2 + (j & 1);
            if (!visible(query, key, window)) s[g][n][j] = kHidden;
          }
        }
      }
    }
#pragma unroll
    for (int g = 0; g < G; g++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {  // a row is held by four lanes
        float largest = top[g][r];
#pragma unroll
        for (int n = 0; n < kKeys / 8; n++) largest = fmaxf(largest, fmaxf(s[g][n][2 * r], s[g][n][2 * r + 1]));
        largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, 1));
        largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, 2));
        // A row may have seen hidden keys only: their weights are 0. With `largest` as shift they were not: a product
        // that is rounded in one place and part of a fused multiply-add in another does not cancel.
        const float shift = largest == kHidden ? 0.0f : largest * scale2;
        const float shrink = exp2_fast((top[g][r] - largest) * scale2);
        float sum = 0;
#pragma unroll
        for (int n = 0; n < kKeys / 8; n++) {
#pragma unroll
          for (int j = 2 * r; j < 2 * r + 2; j++) sum += s[g][n][j] = exp2_fast(s[g][n][j] * scale2 - shift);
        }
        top[g][r] = largest;
        total[g][r] = total[g][r] * shrink + sum;
#pragma unroll
        for (int n = 0; n < D / 8; n++) out[g][n][2 * r] *= shrink, out[g][n][2 * r + 1] *= shrink;
      }
    }
    if (mask.threshold != 0) {
#pragma unroll
      for (int g = 0; g < G; g++) {
        const u32 kept = kept_bits<kKeys, true>(mask, head * T * T, q0 + g * 16 + (lane >> 2), k0 + (lane & 3) * 2, T);
#pragma unroll
        for (int n = 0; n < kKeys / 8; n++) {
#pragma unroll
          for (int j = 0; j < 4; j++) s[g][n][j] *= kept >> (4 * n + j) & 1 ? mask.scale : 0.0f;
        }
      }
    }
    add_weighted<D, G, kKeys>(out, s, keys + kKeys * D);
  }
#pragma unroll
  for (int g = 0; g < G; g++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      total[g][r] += __shfl_xor_sync(kAllLanes, total[g][r], 1);
      total[g][r] += __shfl_xor_sync(kAllLanes, total[g][r], 2);
      const int row = q0 + g * 16 + (lane >> 2) + r * 8;
      if ((lane & 3) == 0 && row < T) lse[head * T + row] = top[g][r] * scale + logf(total[g][r]);
      total[g][r] = 1.0f / total[g][r];
    }
  }
  write_rows<D, G>(y + b * T * H * D + h * D, H * D, out, total, shared, row0, q0, T);
}

// ---- tensor cores: gradient

// kQueries: a block keeps 64 G queries with their dy, keys and values pass, and dq is written. Else it keeps keys and
// values, queries and dy pass, and dk and dv are written. N rows pass at a time.
// lse2, delta (B,H,padded): see rows(). Block (tile, h, b).
template <int D, int G, int N, bool held_a, bool held_b, bool kQueries>
DEVICE void grad(bf16* dqkv, const bf16* qkv, const bf16* dy, const float* lse2, const float* delta, int T, int padded,
                 int H, int window, float scale, const DropoutMask& mask, bf16* shared) {
  constexpr int kRows = 64 * G;
  const int h = blockIdx.y, lane = threadIdx.x & 31, row0 = (threadIdx.x >> 5) * 16 * G;
  const int block0 = (kQueries ? gridDim.x - 1 - blockIdx.x : blockIdx.x) * kRows, stride = 3 * H * D;
  const i64 b = blockIdx.z, head = b * H + h;
  const bf16 *q = qkv + b * T * stride + h * D, *dy_head = dy + b * T * H * D + h * D;
  const bf16 *k = q + H * D, *v = k + H * D;
  lse2 += head * padded;
  delta += head * padded;
  bf16 *kept_a = shared, *kept_b = kept_a + kRows * D, *ring = kept_b + kRows * D;
  float* statistics = reinterpret_cast<float*>(ring + 4 * N * D);  // of queries that pass: lse2 and delta, twice
  const auto fetch_passing = [&](int tile) {
    bf16* to = ring + (tile & 1) * 2 * N * D;
    fetch<D, N>(to, kQueries ? k : q, stride, tile * N, T);
    fetch<D, N>(to + N * D, kQueries ? v : dy_head, kQueries ? stride : H * D, tile * N, T);
    if (!kQueries && threadIdx.x < N / 2) {
      const float* from = threadIdx.x < N / 4 ? lse2 : delta - N;
      copy_async(statistics + (tile & 1) * 2 * N + threadIdx.x * 4, from + tile * N + threadIdx.x * 4, true);
    }
  };

  fetch<D, kRows>(kept_a, kQueries ? q : k, stride, block0, T);
  fetch<D, kRows>(kept_b, kQueries ? dy_head : v, kQueries ? H * D : stride, block0, T);
  const int last_row = lowest(block0 + kRows, T) - 1;
  const int first = (kQueries ? highest(0, block0 - window + 1) : block0) / N;
  const int last = (kQueries ? last_row : lowest(last_row + window, T) - 1) / N;
  fetch_passing(first);
  copies_commit();

  Rows<D, G, held_a> rows_a;
  Rows<D, G, held_b> rows_b;
  rows_a.tile = kept_a;
  rows_b.tile = kept_b;
  rows_a.row0 = rows_b.row0 = row0;
  constexpr int kOut = kQueries ? 1 : 2;
  float out[kOut][G][D / 8][4], row_lse[G][2], row_delta[G][2];  // dq, or dk and dv
#pragma unroll
  for (int i = 0; i < kOut; i++) clear(out[i]);
#pragma unroll
  for (int g = 0; g < G; g++) {
    if (kQueries) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const int row = block0 + row0 + g * 16 + (lane >> 2) + r * 8;
        row_lse[g][r] = lse2[row];
        row_delta[g][r] = delta[row];
      }
    }
  }
  const float scale2 = scale * kLog2E;
  const int r0 = block0 + row0, r1 = r0 + 16 * G - 1;
  for (int tile = first; tile <= last; tile++) {
    copies_wait<0>();
    __syncthreads();  // this tile is here, and the previous one has been read by all
    if (tile < last) fetch_passing(tile + 1);
    copies_commit();
    if (tile == first) rows_a.hold(), rows_b.hold();
    const int c0 = tile * N, c1 = c0 + N - 1;
    const int q0 = kQueries ? r0 : c0, q1 = kQueries ? r1 : c1, k0 = kQueries ? c0 : r0, k1 = kQueries ? c1 : r1;
    if (all_hidden(q0, q1, k0, k1, window)) continue;
    const bf16 *a = ring + (tile & 1) * 2 * N * D, *passing_b = a + N * D;
    const float* passing = statistics + (tile & 1) * 2 * N;
    float s[G][N / 8][4], d[G][N / 8][4];
    rows_a.template times<N>(s, a);
    rows_b.template times<N>(d, passing_b);
#pragma unroll
    for (int g = 0; g < G; g++) {
#pragma unroll
      for (int n = 0; n < N / 8; n++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const int column = n * 8 + (lane & 3) * 2 + (j & 1);
          s[g][n][j] = exp2_fast(s[g][n][j] * scale2 - (kQueries ? row_lse[g][j >> 1] : passing[column]));
        }
      }
    }
    if (any_hidden(q0, q1, k0, k1, window)) {
#pragma unroll
      for (int g = 0; g < G; g++) {
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
#pragma unroll
          for (int j = 0; j < 4; j++) {
            const int row = r0 + g * 16 + (lane >> 2) + (j >> 1) * 8, column = c0 + n * 8 + (lane & 3) * 2 + (j & 1);
            if (!visible(kQueries ? row : column, kQueries ? column : row, window)) s[g][n][j] = 0;
          }
        }
      }
    }
    // s: the probabilities, then what multiplied v. d: their gradients, then those of the scores
    const auto sum_of = [&](int g, int n, int j) {
      return kQueries ? row_delta[g][j >> 1] : passing[N + n * 8 + (lane & 3) * 2 + (j & 1)];
    };
#pragma unroll
    for (int g = 0; g < G; g++) {
      if (mask.threshold == 0) {
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
#pragma unroll
          for (int j = 0; j < 4; j++) d[g][n][j] = s[g][n][j] * (d[g][n][j] - sum_of(g, n, j));
        }
      } else {
        const u32 kept = kept_bits<N, kQueries>(mask, head * T * T, r0 + g * 16 + (lane >> 2), c0 + (lane & 3) * 2, T);
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
#pragma unroll
          for (int j = 0; j < 4; j++) {
            const float factor = kept >> (4 * n + j) & 1 ? mask.scale : 0.0f;
            d[g][n][j] = s[g][n][j] * (d[g][n][j] * factor - sum_of(g, n, j));
            s[g][n][j] *= factor;
          }
        }
      }
    }
    add_weighted<D, G, N>(out[0], d, a);
    if constexpr (!kQueries) add_weighted<D, G, N>(out[1], s, passing_b);
  }
  float factor[G][2];
#pragma unroll
  for (int g = 0; g < G; g++) factor[g][0] = factor[g][1] = scale;
  bf16* to = dqkv + b * T * stride + h * D;
  write_rows<D, G>(to + (kQueries ? 0 : H * D), stride, out[0], factor, kept_a, row0, r0, T);
  if constexpr (!kQueries) {
#pragma unroll
    for (int g = 0; g < G; g++) factor[g][0] = factor[g][1] = 1;
    write_rows<D, G>(to + 2 * H * D, stride, out[1], factor, kept_b, row0, r0, T);
  }
}
}  // namespace attention

// ---- kernels

#define ATTENTION_TENSOR_CORES(D, GK, NK, AK, BK, GQ, NQ, HQ)                                                         \
  KERNEL(128, attention_forward_d##D##_bf16, bf16* y, float* lse, const bf16* qkv, int T, int H, int window,          \
         float scale, DropoutMask mask) {                                                                             \
    KERNEL_SHARED(bf16, shared);                                                                                      \
    attention::forward<D>(y, lse, qkv, T, H, window, scale, mask, shared);                                            \
  }                                                                                                                   \
  KERNEL(128, attention_grad_keys_d##D##_bf16, bf16* dqkv, const bf16* qkv, const bf16* dy, const float* lse2,        \
         const float* delta, int T, int padded, int H, int window, float scale, DropoutMask mask) {                   \
    KERNEL_SHARED(bf16, shared);                                                                                      \
    attention::grad<D, GK, NK, AK, BK, false>(dqkv, qkv, dy, lse2, delta, T, padded, H, window, scale, mask, shared); \
  }                                                                                                                   \
  KERNEL(128, attention_grad_queries_d##D##_bf16, bf16* dqkv, const bf16* qkv, const bf16* dy, const float* lse2,     \
         const float* delta, int T, int padded, int H, int window, float scale, DropoutMask mask) {                   \
    KERNEL_SHARED(bf16, shared);                                                                                      \
    attention::grad<D, GQ, NQ, HQ, HQ, true>(dqkv, qkv, dy, lse2, delta, T, padded, H, window, scale, mask, shared);  \
  }
// Per head size: groups of 16 rows a warp, passing rows, and whether the rows are held in registers: as much as 255
// registers allow. Launcher: kTiles in attention.cuda.cc.
ATTENTION_TENSOR_CORES(64, 2, 32, false, false, 2, 32, true)
ATTENTION_TENSOR_CORES(80, 1, 64, true, true, 2, 32, false)
ATTENTION_TENSOR_CORES(96, 1, 32, true, true, 2, 32, false)
ATTENTION_TENSOR_CORES(128, 1, 32, true, false, 2, 32, false)
#undef ATTENTION_TENSOR_CORES
