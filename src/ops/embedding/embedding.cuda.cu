// Token and position embedding on the GPU. Mathematics and shapes: embedding.ts. N = B * T.
//
// Forward: a warp per row, 16 bytes a lane: N C elements read of the token table and N C written (the rows of positions
// stay in the cache). For N = 65,536, C = 768 in bfloat16 200 MB, 0.06 ms on an H100.
//
// Gradient of the token table, without float atomics, and as fast when most tokens are one id as when all differ:
//   sort       positions by id, stable: radix sort by 8 bits of the id, two small kernels for each digit (2 digits up
//              to V = 65,535). Blocks of 2,048 positions; a few MB of traffic, so all latency: about 0.02 ms
//   token_grad a warp per 32 sorted positions and chunk of columns reads 512 bytes of each of their rows. An id that
//              begins here is added to dwte; one that goes on from the 32 before: its sum goes to `heads`
//   join       adds the heads of such an id, in order
// Gradient of the positions: a thread per position and 16 bytes of columns sums over b.
// dx is read twice and every touched row of dwte read and written once: for N = 65,536, V = 50,257, C = 768 in float32
// at most 0.4 + 0.3 GB, 0.25 ms.
#include "../../backends/cuda/device.cuh"

// ---- forward

// An id outside the vocabulary gives a row of NaN: a kernel cannot throw, but the loss is not finite then, and training
// stops and says so.
template <class E>
DEVICE void embedding_rows(const int* __restrict__ ids, const E* __restrict__ wte, const E* __restrict__ wpe,
                           E* __restrict__ x, int N, int T, int C, int V, int first) {
  constexpr int kSize = Pack<E>::kSize;
  const int n = static_cast<int>(blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32), lane = threadIdx.x & 31;
  if (n >= N) return;
  const int id = ids[n];
  E* row = x + static_cast<i64>(n) * C;
  if (id < 0 || id >= V) {
    for (int c = lane; c < C; c += 32) row[c] = from_float<E>(DEVICE_INFINITY - DEVICE_INFINITY);
    return;
  }
  const E* token = wte + static_cast<i64>(id) * C;
  const E* position = wpe + static_cast<i64>(first + n % T) * C;
  if (C % kSize == 0) {
#pragma unroll 4
    for (int c = lane * kSize; c < C; c += 32 * kSize) {
      const Pack<E> a = *reinterpret_cast<const Pack<E>*>(token + c);
      const Pack<E> b = *reinterpret_cast<const Pack<E>*>(position + c);
      float sum[kSize];
#pragma unroll
      for (int k = 0; k < kSize; k++) sum[k] = to_float(a.at[k]) + to_float(b.at[k]);
      *reinterpret_cast<Pack<E>*>(row + c) = to_pack<E>(sum);
    }
  } else {
    for (int c = lane; c < C; c += 32) row[c] = from_float<E>(to_float(token[c]) + to_float(position[c]));
  }
}

KERNEL(256, embedding_f32, const int* __restrict__ ids, const float* __restrict__ wte, const float* __restrict__ wpe,
       float* __restrict__ x, int N, int T, int C, int V, int first) {
  embedding_rows(ids, wte, wpe, x, N, T, C, V, first);
}
KERNEL(256, embedding_bf16, const int* __restrict__ ids, const bf16* __restrict__ wte, const bf16* __restrict__ wpe,
       bf16* __restrict__ x, int N, int T, int C, int V, int first) {
  embedding_rows(ids, wte, wpe, x, N, T, C, V, first);
}

// ---- sorting positions by id

constexpr int kEmbeddingDigits = 256, kEmbeddingItems = 2048, kEmbeddingWarps = 8;

// Ids outside the vocabulary come last, as V, and are ignored.
DEVICE int embedding_key(int id, int V) { return id >= 0 && id < V ? id : V; }

// counts[block][digit]: how many of the block's 2,048 keys have it.
KERNEL(256, embedding_count, const int* __restrict__ keys, int* __restrict__ counts, int N, int V, int shift) {
  KERNEL_SHARED(int, count);  // 256
  count[threadIdx.x] = 0;
  __syncthreads();
  const int from = static_cast<int>(blockIdx.x) * kEmbeddingItems;
#pragma unroll
  for (int i = 0; i < kEmbeddingItems / kEmbeddingDigits; i++) {
    const int n = from + i * kEmbeddingDigits + static_cast<int>(threadIdx.x);
    if (n < N) atomicAdd(&count[embedding_key(keys[n], V) >> shift & 255], 1);
  }
  __syncthreads();
  counts[blockIdx.x * kEmbeddingDigits + threadIdx.x] = count[threadIdx.x];
}

// Moves keys and positions (null: 0, 1, 2 ...) to where they belong by this digit. Equal digits keep their order: by
// block, then by warp (256 keys next to each other), then by group of 32, then by lane.
KERNEL(256, embedding_scatter, const int* __restrict__ keys, const int* __restrict__ positions,
       const int* __restrict__ counts, int* __restrict__ sorted_keys, int* __restrict__ sorted_positions, int N, int V,
       int shift) {
  KERNEL_SHARED(int, shared);  // (8,256) counts of warps, later where their keys go; 8 sums
  const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread >> 5;
  int* sums = shared + kEmbeddingWarps * kEmbeddingDigits;
  int* mine = shared + warp * kEmbeddingDigits;
  for (int d = lane; d < kEmbeddingDigits; d += 32) mine[d] = 0;
  __syncwarp();

  constexpr int kGroups = kEmbeddingItems / kEmbeddingWarps / 32;
  const int from = static_cast<int>(blockIdx.x) * kEmbeddingItems + warp * (kGroups * 32) + lane;
  int key[kGroups], rank[kGroups];  // rank: among the keys of this warp with the same digit
#pragma unroll
  for (int g = 0; g < kGroups; g++) key[g] = from + g * 32 < N ? embedding_key(keys[from + g * 32], V) : -1;
#pragma unroll
  for (int g = 0; g < kGroups; g++) {
    const int digit = key[g] >> shift & 255;  // the -1 beyond the end come last, and so disturb nobody
    u32 same = kAllLanes;                     // lanes with this digit
#pragma unroll
    for (int bit = 0; bit < 8; bit++) {
      const u32 set = __ballot_sync(kAllLanes, digit >> bit & 1);
      same &= digit >> bit & 1 ? set : ~set;
    }
    const int before = __popc(same & ((1u << lane) - 1));
    rank[g] = mine[digit] + before;
    __syncwarp();
    if (before == 0) mine[digit] += __popc(same);
    __syncwarp();
  }

  // Thread d: keys of digit d in all blocks, and in those before this one.
  int all = 0, earlier = 0;
#pragma unroll 8
  for (int block = 0; block < static_cast<int>(gridDim.x); block++) {
    const int count = counts[block * kEmbeddingDigits + thread];
    if (block < static_cast<int>(blockIdx.x)) earlier += count;
    all += count;
  }
  int up_to = all;  // keys of the digits of this warp up to d
#pragma unroll
  for (u32 lanes = 1; lanes < 32; lanes <<= 1) {
    const int other = __shfl_up_sync(kAllLanes, up_to, lanes);
    if (lane >= static_cast<int>(lanes)) up_to += other;
  }
  if (lane == 31) sums[warp] = up_to;
  __syncthreads();
  int to = up_to - all + earlier;
#pragma unroll
  for (int w = 0; w < kEmbeddingWarps; w++) to += w < warp ? sums[w] : 0;
#pragma unroll
  for (int w = 0; w < kEmbeddingWarps; w++) {
    const int count = shared[w * kEmbeddingDigits + thread];
    shared[w * kEmbeddingDigits + thread] = to;
    to += count;
  }
  __syncthreads();
#pragma unroll
  for (int g = 0; g < kGroups; g++) {
    if (key[g] < 0) continue;
    const int n = from + g * 32, at = mine[key[g] >> shift & 255] + rank[g];
    sorted_keys[at] = key[g];
    sorted_positions[at] = positions ? positions[n] : n;
  }
}

// ---- gradients

// The columns of one lane in a chunk of 32 packs: next to each other where rows are whole packs, otherwise 32 apart.
template <class E>
struct EmbeddingColumns {
  static constexpr int kSize = Pack<E>::kSize;
  int C, first;
  bool packed;

  DEVICE EmbeddingColumns(int columns, int chunk, int lane) : C(columns), packed(columns % kSize == 0) {
    first = (chunk * 32 + (packed ? lane : 0)) * kSize + (packed ? 0 : lane);
  }
  DEVICE Pack<E> load(const E* row) const {
    Pack<E> v = {};
    if (packed) {
      if (first < C) v = *reinterpret_cast<const Pack<E>*>(row + first);
    } else {
#pragma unroll
      for (int k = 0; k < kSize; k++)
        if (first + k * 32 < C) v.at[k] = row[first + k * 32];
    }
    return v;
  }
  // row = v, or row += v
  template <bool add>
  DEVICE void store(float* row, const float (&v)[kSize]) const {
    if (packed) {
      if (first >= C) return;
#pragma unroll
      for (int i = 0; i < kSize; i += 4) {
        Pack<float>* to = reinterpret_cast<Pack<float>*>(row + first + i);
        Pack<float> sum = add ? *to : Pack<float>{};
#pragma unroll
        for (int k = 0; k < 4; k++) sum.at[k] += v[i + k];
        *to = sum;
      }
    } else {
#pragma unroll
      for (int k = 0; k < kSize; k++) {
        const int c = first + k * 32;
        if (c < C) row[c] = add ? row[c] + v[k] : v[k];
      }
    }
  }
};

template <class E>
DEVICE void embedding_token_sums(const int* __restrict__ keys, const int* __restrict__ positions,
                                 const E* __restrict__ dx, float* __restrict__ dwte, float* __restrict__ heads, int N,
                                 int C, int V) {
  constexpr int kSize = Pack<E>::kSize, kRows = 4;  // rows on their way at a time
  const int lane = threadIdx.x & 31, chunks = (C + 32 * kSize - 1) / (32 * kSize);
  const i64 unit = static_cast<i64>(blockIdx.x) * 8 + threadIdx.x / 32;
  const int piece = static_cast<int>(unit / chunks), from = piece * 32;
  if (from >= N) return;
  const EmbeddingColumns<E> columns(C, static_cast<int>(unit % chunks), lane);
  const int key = from + lane < N ? keys[from + lane] : V;
  const int position = from + lane < N ? positions[from + lane] : 0;
  const int before = from > 0 ? keys[from - 1] : -1;

  int id = __shfl_sync(kAllLanes, key, 0);
  float sum[kSize] = {};
  const auto flush = [&] {
    if (id >= V) return;
    if (id == before)
      columns.template store<false>(heads + static_cast<i64>(piece) * C, sum);
    else
      columns.template store<true>(dwte + static_cast<i64>(id) * C, sum);
  };
  for (int i = 0; i < 32; i += kRows) {
    int ids[kRows];
    Pack<E> rows[kRows];
#pragma unroll
    for (int r = 0; r < kRows; r++) {
      ids[r] = __shfl_sync(kAllLanes, key, i + r);
      const int row = __shfl_sync(kAllLanes, position, i + r);
      rows[r] = ids[r] < V ? columns.load(dx + static_cast<i64>(row) * C) : Pack<E>{};
    }
#pragma unroll
    for (int r = 0; r < kRows; r++) {
      if (ids[r] != id) {
        flush();
        id = ids[r];
#pragma unroll
        for (int k = 0; k < kSize; k++) sum[k] = 0;
      }
#pragma unroll
      for (int k = 0; k < kSize; k++) sum[k] += to_float(rows[r].at[k]);
    }
  }
  flush();
}

KERNEL(256, embedding_token_grad_f32, const int* __restrict__ keys, const int* __restrict__ positions,
       const float* __restrict__ dx, float* __restrict__ dwte, float* __restrict__ heads, int N, int C, int V) {
  embedding_token_sums(keys, positions, dx, dwte, heads, N, C, V);
}
KERNEL(256, embedding_token_grad_bf16, const int* __restrict__ keys, const int* __restrict__ positions,
       const bf16* __restrict__ dx, float* __restrict__ dwte, float* __restrict__ heads, int N, int C, int V) {
  embedding_token_sums(keys, positions, dx, dwte, heads, N, C, V);
}

// A warp per 32 sorted positions and 128 columns has work where an id of the 32 before, begun there, goes on.
KERNEL(256, embedding_join, const int* __restrict__ keys, const float* __restrict__ heads, float* __restrict__ dwte,
       int N, int C, int V) {
  const int lane = threadIdx.x & 31, chunks = (C + 127) / 128, pieces = (N + 31) / 32;
  const i64 unit = static_cast<i64>(blockIdx.x) * 8 + threadIdx.x / 32;
  const int first = static_cast<int>(unit / chunks);
  if (first == 0 || first >= pieces) return;
  const int id = keys[first * 32];
  if (id >= V || keys[first * 32 - 1] != id || (first > 1 && keys[first * 32 - 33] == id)) return;
  const EmbeddingColumns<float> columns(C, static_cast<int>(unit % chunks), lane);
  float sum[4] = {};
  for (int piece = first;; piece += 32) {
    // Keys are sorted: the pieces that begin with this id are the next ones.
    const bool goes_on = piece + lane < pieces && keys[(piece + lane) * 32] == id;
    const int count = __popc(__ballot_sync(kAllLanes, goes_on));
#pragma unroll 8
    for (int i = 0; i < count; i++) {
      const Pack<float> head = columns.load(heads + static_cast<i64>(piece + i) * C);
#pragma unroll
      for (int k = 0; k < 4; k++) sum[k] += head.at[k];
    }
    if (count < 32) break;
  }
  columns.store<true>(dwte + static_cast<i64>(id) * C, sum);
}

// dwpe: its row `first`. A thread for each pack of (T,C), or for each element where rows are not whole packs.
template <class E>
DEVICE void embedding_position_sums(const E* __restrict__ dx, float* __restrict__ dwpe, int B, int T, int C) {
  constexpr int kSize = Pack<E>::kSize;
  const i64 unit = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, size = static_cast<i64>(T) * C;
  if (C % kSize == 0) {
    const i64 at = unit * kSize;
    if (at >= size) return;
    float sum[kSize] = {};
#pragma unroll 8
    for (int b = 0; b < B; b++) {
      const Pack<E> d = *reinterpret_cast<const Pack<E>*>(dx + b * size + at);
#pragma unroll
      for (int k = 0; k < kSize; k++) sum[k] += to_float(d.at[k]);
    }
#pragma unroll
    for (int i = 0; i < kSize; i += 4) {
      Pack<float>* to = reinterpret_cast<Pack<float>*>(dwpe + at + i);
      Pack<float> total = *to;
#pragma unroll
      for (int k = 0; k < 4; k++) total.at[k] += sum[i + k];
      *to = total;
    }
  } else {
    if (unit >= size) return;
    float sum = 0;
#pragma unroll 8
    for (int b = 0; b < B; b++) sum += to_float(dx[b * size + unit]);
    dwpe[unit] += sum;
  }
}

KERNEL(256, embedding_position_grad_f32, const float* __restrict__ dx, float* __restrict__ dwpe, int B, int T, int C) {
  embedding_position_sums(dx, dwpe, B, T, C);
}
KERNEL(256, embedding_position_grad_bf16, const bf16* __restrict__ dx, float* __restrict__ dwpe, int B, int T, int C) {
  embedding_position_sums(dx, dwpe, B, T, C);
}
