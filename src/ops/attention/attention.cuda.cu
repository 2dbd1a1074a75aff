// Causal and banded attention on the GPU. Mathematics and shapes: attention.ts.
//
// Two implementations, neither of which ever holds a (T,T) matrix, and both deterministic:
//   tensor cores   bfloat16, head sizes 64, 80, 96, 128: FlashAttention-2 (Dao 2023). A block keeps a tile of rows,
//   each of
//                  its four warps 16 or 32 of them, and the tiles of the other side pass through a ring of two in
//                  shared memory, copied while the previous one is at work. All products come from and stay in
//                  registers.
//   plain          float32 arithmetic, any head size, float32 or bfloat16: 64 x 64 tiles, 4 x 4 numbers a thread.
// The gradient: `rows` (sum of y dy, one pass), then dK and dV by tiles of keys, then dQ by tiles of queries: 7
// products of tiles instead of 5, and no atomic addition. From memory, per head and per tile of rows: the visible rows
// of the other side, mostly out of the L2 cache, where blocks of one head meet: their indices are neighbours, the
// longest of them first.
#include "../../backends/cuda/device.cuh"

namespace attention {

constexpr float kLog2E = 1.4426950408889634f;
// The score of a hidden key. Finite: a row that has seen hidden keys only is forgotten (times 0) at its first visible
// one.
constexpr float kHidden = -1e30f;

DEVICE int lowest(int a, int b) { return a < b ? a : b; }
DEVICE int highest(int a, int b) { return a < b ? b : a; }

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

// Queries [q0, q1] and keys [k0, k1], both inclusive.
DEVICE bool all_hidden(int q0, int q1, int k0, int k1, int window) { return k0 > q1 || k1 <= q0 - window; }
DEVICE bool any_hidden(int q0, int q1, int k0, int k1, int window) { return k1 > q0 || k0 <= q1 - window; }
DEVICE bool visible(int query, int key, int window) { return key <= query && key > query - window; }

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

// ---- both: what the gradient needs of every query

// lse2 = log2(e) lse, delta = sum of y dy, (B,H,padded), zeros from T on. A group of `lanes` threads, a power of two,
// takes a query of a head: neighbouring groups take neighbouring queries. Block (256 / lanes queries, h, b).
template <class A>
DEVICE void rows(float* lse2, float* delta, const A* y, const A* dy, const float* lse, int T, int padded, int H, int D,
                 int lanes) {
  const int t = (blockIdx.x * 256 + threadIdx.x) / lanes, lane = threadIdx.x & (lanes - 1);
  const i64 b = blockIdx.z, head = b * H + blockIdx.y;
  const bool ok = t < T;
  float sum = 0;
  if (ok) {
    const i64 from = ((b * T + t) * H + blockIdx.y) * D;
    if (D % Pack<A>::kSize == 0) {
      for (int d = lane * Pack<A>::kSize; d < D; d += lanes * Pack<A>::kSize) {
        const auto a = *reinterpret_cast<const Pack<A>*>(y + from + d),
                   b = *reinterpret_cast<const Pack<A>*>(dy + from + d);
#pragma unroll
        for (int i = 0; i < Pack<A>::kSize; i++) sum += to_float(a.at[i]) * to_float(b.at[i]);
      }
    } else {
      for (int d = lane; d < D; d += lanes) sum += to_float(y[from + d]) * to_float(dy[from + d]);
    }
  }
  for (int apart = lanes / 2; apart; apart >>= 1) sum += __shfl_xor_sync(kAllLanes, sum, apart);
  if (lane == 0 && t < padded) {
    lse2[head * padded + t] = ok ? lse[head * T + t] * kLog2E : 0;
    delta[head * padded + t] = sum;
  }
}

// ---- plain: 64 x 64 tiles, 256 threads, 4 x 4 numbers each

constexpr int kTile = 64, kDepth = 32, kPitch = kTile + 4;
constexpr int kPanel = kDepth * kPitch;  // floats of shared memory: kDepth rows of kTile

// Rows row0 .. row0 + 63 of n, elements d0 .. d0 + 31 of D, transposed; zeros beyond.
template <class A>
DEVICE void put_transposed(float* to, const A* from, i64 stride, int row0, int n, int d0, int D) {
#pragma unroll 4
  for (int i = 0; i < kTile * kDepth / 256; i++) {
    // a warp takes 8 elements of 4 rows: whole sectors of memory, and no two of its stores in one bank
    const int e = threadIdx.x + i * 256, r = e >> 7 << 2 | (e >> 3 & 3), d = (e >> 5 & 3) << 3 | (e & 7);
    const bool ok = row0 + r < n && d0 + d < D;
    to[d * kPitch + r] = ok ? to_float(from[(row0 + r) * stride + d0 + d]) : 0.0f;
  }
}

// Rows row0 .. row0 + 31 of n, elements d0 .. d0 + 63 of D; zeros beyond.
template <class A>
DEVICE void put(float* to, const A* from, i64 stride, int row0, int n, int d0, int D) {
#pragma unroll 4
  for (int i = 0; i < kTile * kDepth / 256; i++) {
    const int e = threadIdx.x + i * 256, r = e / kTile, d = e % kTile;
    const bool ok = row0 + r < n && d0 + d < D;
    to[r * kPitch + d] = ok ? to_float(from[(row0 + r) * stride + d0 + d]) : 0.0f;
  }
}

// out[r][c] += sum over 32 k of a[k][4 y + r] b[k][4 x + c]
DEVICE void multiply(float (&out)[4][4], const float* a, const float* b) {
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
#pragma unroll 8
  for (int k = 0; k < kDepth; k++) {
    const auto left = *reinterpret_cast<const Pack<float>*>(a + k * kPitch + y * 4);
    const auto right = *reinterpret_cast<const Pack<float>*>(b + k * kPitch + x * 4);
#pragma unroll
    for (int r = 0; r < 4; r++) {
#pragma unroll
      for (int c = 0; c < 4; c++) out[r][c] += left.at[r] * right.at[c];
    }
  }
}

// out = rows a0 .. a0 + 63 of a times rows b0 .. b0 + 63 of b, both of n. shared: two panels.
template <class A>
DEVICE void inner_products(float (&out)[4][4], const A* a, i64 a_stride, int a0, const A* b, i64 b_stride, int b0,
                           int n, int D, float* shared) {
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) out[r][c] = 0;
  }
  for (int d = 0; d < D; d += kDepth) {
    __syncthreads();  // the panels have been read
    put_transposed(shared, a, a_stride, a0, n, d, D);
    put_transposed(shared + kPanel, b, b_stride, b0, n, d, D);
    __syncthreads();
    multiply(out, shared, shared + kPanel);
  }
}

// out[row][d - d0] += sum over columns of w[row][column] b[b0 + column][d]: w as the threads hold it. shared: the panel
// of b, and two of weights behind it.
template <class A>
DEVICE void add_weighted(float (&out)[4][4], const float (&w)[4][4], const A* b, i64 b_stride, int b0, int n, int d0,
                         int D, float* shared) {
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  float* weights = shared + kPanel;
  for (int half = 0; half < 2; half++) {
    __syncthreads();  // the panels have been read
    if (half == 0) {
#pragma unroll
      for (int c = 0; c < 4; c++)
        *reinterpret_cast<Pack<float>*>(weights + (x * 4 + c) * kPitch +
                                        y * 4) = {{w[0][c], w[1][c], w[2][c], w[3][c]}};
    }
    put(shared, b, b_stride, b0 + half * kDepth, n, d0, D);
    __syncthreads();
    multiply(out, weights + half * kPanel, shared);
  }
}

// Dropout factors of four neighbouring weights.
DEVICE void four_factors(float (&factor)[4], const DropoutMask& mask, i64 element) {
  if (element % 4 == 0) {
    mask.four(static_cast<u32>(element >> 2), factor);
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) factor[i] = mask.one(element + i);
  }
}

// Writes the thread's 4 x 4 numbers, rounded, where row < n and column < D.
template <class A>
DEVICE void write_tile(A* to, i64 stride, const float (&out)[4][4], const float (&factor)[4], int row0, int n, int d0,
                       int D) {
  const int row = row0 + threadIdx.x / 16 * 4, d = d0 + threadIdx.x % 16 * 4;
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      if (row + r < n && d + c < D) to[(row + r) * stride + d + c] = from_float<A>(out[r][c] * factor[r]);
    }
  }
}

// Block (tile of 64 queries, head and 64 of its D columns, b): heads wider than 64 compute their scores more than once.
template <class A>
DEVICE void plain_forward(A* y, float* lse, const A* qkv, int T, int H, int D, int window, float scale,
                          const DropoutMask& mask, float* shared) {
  const int h = blockIdx.y % H, d0 = blockIdx.y / H * kTile, q0 = (gridDim.x - 1 - blockIdx.x) * kTile;
  const int row = q0 + threadIdx.x / 16 * 4, x = threadIdx.x % 16;
  const i64 b = blockIdx.z, head = b * H + h, C = static_cast<i64>(H) * D;
  const A* q = qkv + b * T * 3 * C + h * D;
  float out[4][4], top[4], total[4];
#pragma unroll
  for (int r = 0; r < 4; r++) {
    top[r] = kHidden;
    total[r] = 0;
#pragma unroll
    for (int c = 0; c < 4; c++) out[r][c] = 0;
  }
  for (int k0 = highest(0, q0 - window + 1) / kTile * kTile; k0 <= q0; k0 += kTile) {
    float s[4][4];
    inner_products(s, q, 3 * C, q0, q + C, 3 * C, k0, T, D, shared);
#pragma unroll
    for (int r = 0; r < 4; r++) {  // a row is held by 16 lanes
      float largest = top[r], sum = 0;
#pragma unroll
      for (int c = 0; c < 4; c++) {
        // a row that has seen hidden keys only is forgotten, times 0, at its first visible one
        s[r][c] = visible(row + r, k0 + x * 4 + c, window) ? s[r][c] * scale : kHidden;
        largest = fmaxf(largest, s[r][c]);
      }
#pragma unroll
      for (int apart = 8; apart; apart >>= 1) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, apart));
      const float shrink = exp2_fast((top[r] - largest) * kLog2E);
#pragma unroll
      for (int c = 0; c < 4; c++) {
        sum += s[r][c] = exp2_fast((s[r][c] - largest) * kLog2E);
        out[r][c] *= shrink;
      }
      top[r] = largest;
      total[r] = total[r] * shrink + sum;
      if (mask.threshold != 0) {
        float factor[4];
        four_factors(factor, mask, (head * T + row + r) * T + k0 + x * 4);
#pragma unroll
        for (int c = 0; c < 4; c++) s[r][c] *= factor[c];
      }
    }
    add_weighted(out, s, q + 2 * C, 3 * C, k0, T, d0, D, shared);
  }
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int apart = 8; apart; apart >>= 1) total[r] += __shfl_xor_sync(kAllLanes, total[r], apart);
    if (x == 0 && d0 == 0 && row + r < T) lse[head * T + row + r] = top[r] + logf(total[r]);
    total[r] = 1.0f / total[r];
  }
  write_tile(y + b * T * C + h * D, C, out, total, q0, T, d0, D);
}

// kQueries: dq of 64 queries. Else dk and dv of 64 keys. Block (tile, head and 64 of its D columns, b).
template <class A, bool kQueries>
DEVICE void plain_grad(A* dqkv, const A* qkv, const A* dy, const float* lse, const float* delta, int T, int padded,
                       int H, int D, int window, float scale, const DropoutMask& mask, float* shared) {
  const int h = blockIdx.y % H, d0 = blockIdx.y / H * kTile;
  const int r0 = (kQueries ? gridDim.x - 1 - blockIdx.x : blockIdx.x) * kTile;
  const int row = r0 + threadIdx.x / 16 * 4, x = threadIdx.x % 16;
  const i64 b = blockIdx.z, head = b * H + h, C = static_cast<i64>(H) * D;
  const A *q = qkv + b * T * 3 * C + h * D, *dy_head = dy + b * T * C + h * D;
  const A *k = q + C, *v = k + C;
  lse += head * T;
  delta += head * padded;
  float out_a[4][4], out_b[4][4];  // dq, or dk and dv
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) out_a[r][c] = out_b[r][c] = 0;
  }
  const int first = kQueries ? highest(0, r0 - window + 1) / kTile * kTile : r0;
  const int last = kQueries ? r0 : lowest(T - 1, r0 + kTile - 1 + window - 1);
  for (int c0 = first; c0 <= last; c0 += kTile) {
    float s[4][4], d[4][4];
    if (kQueries) {
      inner_products(s, q, 3 * C, r0, k, 3 * C, c0, T, D, shared);
      inner_products(d, dy_head, C, r0, v, 3 * C, c0, T, D, shared);
    } else {
      inner_products(s, k, 3 * C, r0, q, 3 * C, c0, T, D, shared);
      inner_products(d, v, 3 * C, r0, dy_head, C, c0, T, D, shared);
    }
    // i of the four by four whose keys are neighbours
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int query = kQueries ? row + i : c0 + x * 4 + i, key0 = kQueries ? c0 + x * 4 : row;
      const float shift = query < T ? lse[query] : 0, sum = query < T ? delta[query] : 0;
      float factor[4] = {1, 1, 1, 1};
      if (mask.threshold != 0) four_factors(factor, mask, (head * T + query) * T + key0);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int r = kQueries ? i : j, c = kQueries ? j : i;
        const bool seen = query < T && visible(query, key0 + j, window);
        const float probability = seen ? exp2_fast((s[r][c] * scale - shift) * kLog2E) : 0.0f;
        d[r][c] = probability * (d[r][c] * factor[j] - sum);
        s[r][c] = probability * factor[j];
      }
    }
    add_weighted(out_a, d, kQueries ? k : q, 3 * C, c0, T, d0, D, shared);
    if (!kQueries) add_weighted(out_b, s, dy_head, C, c0, T, d0, D, shared);
  }
  const float scales[4] = {scale, scale, scale, scale}, ones[4] = {1, 1, 1, 1};
  A* to = dqkv + b * T * 3 * C + h * D;
  write_tile(to + (kQueries ? 0 : C), 3 * C, out_a, scales, r0, T, d0, D);
  if (!kQueries) write_tile(to + 2 * C, 3 * C, out_b, ones, r0, T, d0, D);
}

// ---- decoding

// Keys and values of qkv (B,T,3C) into positions past .. past + T - 1 of cache (2,B,P,C). count: packs, or elements
// where C is no multiple of a pack.
template <class A>
DEVICE void append(A* cache, const A* qkv, int B, int T, int C, int past, int P, i64 count) {
  const i64 e = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e >= count) return;
  const int width = C % Pack<A>::kSize == 0 ? Pack<A>::kSize : 1;
  const i64 at = e * width, row = at / (2 * C);
  const int c = static_cast<int>(at % (2 * C)), value = c >= C;
  const A* from = qkv + row * 3 * C + C + c;
  A* to = cache + ((value * static_cast<i64>(B) + row / T) * P + past + row % T) * C + (value ? c - C : c);
  if (width == 1)
    *to = *from;
  else
    *reinterpret_cast<Pack<A>*>(to) = *reinterpret_cast<const Pack<A>*>(from);
}

// 8 elements from d on, zeros from D on.
template <class A>
DEVICE void load8(float (&x)[8], const A* from, int d, int D) {
  if (D % 8 == 0) {
    if (d < D) {
#pragma unroll
      for (int i = 0; i < 8; i += Pack<A>::kSize) {
        const auto pack = *reinterpret_cast<const Pack<A>*>(from + d + i);
#pragma unroll
        for (int j = 0; j < Pack<A>::kSize; j++) x[i + j] = to_float(pack.at[j]);
      }
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < 8; i++) x[i] = d + i < D ? to_float(from[d + i]) : 0.0f;
}

// qkv (B,T,3C), cache (2,B,P,C) -> y (B,T,C). A block takes a new query of a head; `lanes` threads, a power of two, a
// key at a time, each 8 of its elements; the groups share out the keys, and what they found is put together in their
// order. shared: per group its maximum, its sum, and 8 * lanes elements.
template <class A>
DEVICE void cached(A* y, const A* qkv, const A* cache, int B, int T, int H, int D, int window, int past, int P,
                   int lanes, float scale, float* shared) {
  constexpr int kKeys = 4;  // of a group at a time, so that their loads overlap
  const i64 n = blockIdx.x / H, b = n / T, C = static_cast<i64>(H) * D;
  const int h = blockIdx.x % H, groups = blockDim.x / lanes, group = threadIdx.x / lanes;
  const int d = threadIdx.x % lanes * 8;
  const int last = past + static_cast<int>(n % T), first = highest(0, last - window + 1);
  const A *keys = cache + b * P * C + h * D, *values = keys + C * B * P;
  float q[8], out[8], top = kHidden, total = 0;
  load8(q, qkv + n * 3 * C + h * D, d, D);
#pragma unroll
  for (int i = 0; i < 8; i++) out[i] = 0;
  for (int key0 = first; key0 <= last; key0 += kKeys * groups) {
    float score[kKeys], value[kKeys][8], largest = top;
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      const int key = lowest(last, key0 + u * groups + group);
      float k[8];
      load8(k, keys + key * C, d, D);
      load8(value[u], values + key * C, d, D);
      score[u] = 0;
#pragma unroll
      for (int i = 0; i < 8; i++) score[u] += q[i] * k[i];
    }
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      for (int apart = lanes / 2; apart; apart >>= 1) score[u] += __shfl_xor_sync(kAllLanes, score[u], apart);
      score[u] = key0 + u * groups + group <= last ? score[u] * scale : kHidden;
      largest = fmaxf(largest, score[u]);
    }
    const float shrink = exp2_fast((top - largest) * kLog2E);
    top = largest;
    total *= shrink;
#pragma unroll
    for (int i = 0; i < 8; i++) out[i] *= shrink;
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      const float weight = score[u] == kHidden ? 0.0f : exp2_fast((score[u] - top) * kLog2E);
      total += weight;
#pragma unroll
      for (int i = 0; i < 8; i++) out[i] += weight * value[u][i];
    }
  }
  float *tops = shared, *totals = tops + groups, *outs = totals + groups;
  if (d == 0) {
    tops[group] = top;
    totals[group] = total;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) outs[threadIdx.x * 8 + i] = out[i];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < D) {
    top = kHidden;
    for (int i = 0; i < groups; i++) top = fmaxf(top, tops[i]);
    float sum = 0;
    total = 0;
    for (int i = 0; i < groups; i++) {
      const float weight = exp2_fast((tops[i] - top) * kLog2E);
      total += weight * totals[i];
      sum += weight * outs[i * lanes * 8 + threadIdx.x];
    }
    y[n * C + h * D + threadIdx.x] = from_float<A>(sum / total);
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

#define ATTENTION_TYPED(A, suffix)                                                                                    \
  KERNEL(256, attention_rows_##suffix, float* lse2, float* delta, const A* y, const A* dy, const float* lse, int T,   \
         int padded, int H, int D, int lanes) {                                                                       \
    attention::rows(lse2, delta, y, dy, lse, T, padded, H, D, lanes);                                                 \
  }                                                                                                                   \
  KERNEL(256, attention_forward_##suffix, A* y, float* lse, const A* qkv, int T, int H, int D, int window,            \
         float scale, DropoutMask mask) {                                                                             \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_forward(y, lse, qkv, T, H, D, window, scale, mask, shared);                                      \
  }                                                                                                                   \
  KERNEL(256, attention_grad_keys_##suffix, A* dqkv, const A* qkv, const A* dy, const float* lse, const float* delta, \
         int T, int padded, int H, int D, int window, float scale, DropoutMask mask) {                                \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_grad<A, false>(dqkv, qkv, dy, lse, delta, T, padded, H, D, window, scale, mask, shared);         \
  }                                                                                                                   \
  KERNEL(256, attention_grad_queries_##suffix, A* dqkv, const A* qkv, const A* dy, const float* lse,                  \
         const float* delta, int T, int padded, int H, int D, int window, float scale, DropoutMask mask) {            \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_grad<A, true>(dqkv, qkv, dy, lse, delta, T, padded, H, D, window, scale, mask, shared);          \
  }                                                                                                                   \
  KERNEL(256, attention_append_##suffix, A* cache, const A* qkv, int B, int T, int C, int past, int P, i64 count) {   \
    attention::append(cache, qkv, B, T, C, past, P, count);                                                           \
  }                                                                                                                   \
  KERNEL(256, attention_cached_##suffix, A* y, const A* qkv, const A* cache, int B, int T, int H, int D, int window,  \
         int past, int P, int lanes, float scale) {                                                                   \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::cached(y, qkv, cache, B, T, H, D, window, past, P, lanes, scale, shared);                              \
  }
ATTENTION_TYPED(float, f32)
ATTENTION_TYPED(bf16, bf16)
#undef ATTENTION_TYPED
