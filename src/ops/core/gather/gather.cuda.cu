// Rows by index, and sums of rows by index, on the GPU. Shapes: gather.ts.
//
// GatherV2: each pack of 16 bytes of y (or element, where rows are no multiple of a pack) looks up its row. An index
// outside x makes its row NaN: the launcher cannot know it without waiting for the GPU.
//
// UnsortedSegmentSum: the rows are sorted by id first, keeping their order (radix sort, 8 bits a pass: count the digits
// of each tile of 2,048, scan, move), so that each segment is a run and its sum has one order without float atomics.
// Rows of a segment are spread over `groups` threads of a block, summed in pieces of 32 and then in float64. Bytes of
// the sort: 24 a row and pass; of the sum: x and y once.
#include "../../../backends/cuda/device.cuh"

DEVICE i64 gather_place(const int* indices, i64 element, i64 outer, i64 dim, i64 slice, i64 n) {
  const i64 row = element / slice;  // (batch, outer, i)
  const i64 matrix = row / n;       // of x and y: (batch, outer)
  const int index = indices[matrix / outer * n + row % n];
  return index >= 0 && index < dim ? (matrix * dim + index) * slice + element % slice : -1;
}

KERNEL(256, gather_f32, const float* __restrict__ x, const int* __restrict__ indices, i64 outer, i64 dim, i64 slice,
       i64 n, i64 size, i64 packs, float* __restrict__ y) {
  using P = Pack<float>;
  const float nan = DEVICE_INFINITY - DEVICE_INFINITY;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 i = first; i < packs; i += step) {
    const i64 from = gather_place(indices, i * P::kSize, outer, dim, slice, n);
    reinterpret_cast<P*>(y)[i] = from < 0 ? P{{nan, nan, nan, nan}} : *reinterpret_cast<const P*>(x + from);
  }
  for (i64 i = packs * P::kSize + first; i < size; i += step) {
    const i64 from = gather_place(indices, i, outer, dim, slice, n);
    y[i] = from < 0 ? nan : x[from];
  }
}

constexpr int kSegmentTile = 2048, kSegmentThreads = 256, kSegmentDigits = 256;

// Ids outside [0, segments) become `segments`, behind all others.
KERNEL(256, segment_keys, const int* __restrict__ ids, int N, int segments, int* __restrict__ keys,
       int* __restrict__ rows) {
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; i < N; i += step) {
    keys[i] = ids[i] >= 0 && ids[i] < segments ? ids[i] : segments;
    rows[i] = static_cast<int>(i);
  }
}

// table (digits, tiles): how often each digit occurs in each tile. One block a tile, one thread a digit.
KERNEL(256, segment_count, const int* __restrict__ keys, int N, int shift, int* __restrict__ table) {
  KERNEL_SHARED(int, count);  // [kSegmentDigits]
  count[threadIdx.x] = 0;
  __syncthreads();
  const i64 first = static_cast<i64>(blockIdx.x) * kSegmentTile;
  for (int i = threadIdx.x; i < kSegmentTile; i += kSegmentThreads) {
    if (first + i < N) atomicAdd(&count[keys[first + i] >> shift & (kSegmentDigits - 1)], 1);
  }
  __syncthreads();
  table[static_cast<i64>(threadIdx.x) * gridDim.x + blockIdx.x] = count[threadIdx.x];
}

// The sums of all numbers before each, in place. One block.
KERNEL(1024, segment_scan, int* table, i64 n) {
  KERNEL_SHARED(int, shared);  // [32]
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int before = 0;  // the sum of earlier rounds
  for (i64 first = 0; first < n; first += blockDim.x) {
    const i64 i = first + threadIdx.x;
    const int own = i < n ? table[i] : 0;
    int sum = own;
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes <<= 1) {
      const int left = __shfl_up_sync(kAllLanes, sum, lanes);
      if (lane >= lanes) sum += left;
    }
    if (lane == 31) shared[warp] = sum;
    __syncthreads();
    int total = shared[lane];
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes <<= 1) {
      const int left = __shfl_up_sync(kAllLanes, total, lanes);
      if (lane >= lanes) total += left;
    }
    const int earlier = __shfl_sync(kAllLanes, total, (warp + 31) & 31);  // of the warps before this one
    if (i < n) table[i] = before + (warp ? earlier : 0) + sum - own;
    before += __shfl_sync(kAllLanes, total, 31);
    __syncthreads();
  }
}

// Lanes whose digit is this one's, among those that are valid.
DEVICE u32 segment_peers(int digit, bool valid) {
  u32 peers = __ballot_sync(kAllLanes, valid);
#pragma unroll
  for (int bit = 0; bit < 8; bit++) {
    const bool set = digit >> bit & 1;
    const u32 lanes = __ballot_sync(kAllLanes, set);
    peers &= set ? lanes : ~lanes;
  }
  return peers;
}

// Moves keys and rows to their places by one digit; equal digits keep their order. table: of segment_scan.
KERNEL(256, segment_move, const int* __restrict__ keys, const int* __restrict__ rows, int N, int shift,
       const int* __restrict__ table, int* __restrict__ keys_out, int* __restrict__ rows_out) {
  KERNEL_SHARED(int, place);  // (warps, digits): where the warp's next element of this digit goes
  constexpr int warps = kSegmentThreads / 32, per_warp = kSegmentTile / warps;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int* own = place + warp * kSegmentDigits;
  const i64 first = static_cast<i64>(blockIdx.x) * kSegmentTile + warp * per_warp + lane;
  const u32 below = (1u << lane) - 1;
  for (int w = 0; w < warps; w++) place[w * kSegmentDigits + threadIdx.x] = 0;
  __syncthreads();
  for (int i = 0; i < per_warp; i += 32) {
    const bool valid = first + i < N;
    const int digit = valid ? keys[first + i] >> shift & (kSegmentDigits - 1) : 0;
    const u32 peers = segment_peers(digit, valid);
    if (valid && !(peers & below)) own[digit] += __popc(peers);
    __syncwarp();
  }
  __syncthreads();
  int next = table[static_cast<i64>(threadIdx.x) * gridDim.x + blockIdx.x];
  for (int w = 0; w < warps; w++) {
    const int count = place[w * kSegmentDigits + threadIdx.x];
    place[w * kSegmentDigits + threadIdx.x] = next;
    next += count;
  }
  __syncthreads();
  for (int i = 0; i < per_warp; i += 32) {
    const bool valid = first + i < N;
    const int key = valid ? keys[first + i] : 0, digit = key >> shift & (kSegmentDigits - 1);
    const u32 peers = segment_peers(digit, valid);
    const int to = valid ? own[digit] + __popc(peers & below) : 0;
    __syncwarp();  // all have read
    if (valid) {
      if (!(peers & below)) own[digit] += __popc(peers);
      keys_out[to] = key;
      rows_out[to] = rows[first + i];
    }
    __syncwarp();
  }
}

// start (segments + 1): the first of the sorted keys that is not below s.
KERNEL(256, segment_starts, const int* __restrict__ keys, int N, int segments, int* __restrict__ start) {
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 s = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; s <= segments; s += step) {
    int low = 0, high = N;
    while (low < high) {
      const int middle = low + (high - low) / 2;
      if (keys[middle] < s)
        low = middle + 1;
      else
        high = middle;
    }
    start[s] = low;
  }
}

// y (segments, slice). A block has `columns` neighbouring columns of some segments; threads: (segment, group, column).
KERNEL(256, segment_sum_f32, const float* __restrict__ x, const int* __restrict__ rows, const int* __restrict__ start,
       int segments, i64 slice, int columns, int groups, float* __restrict__ y) {
  KERNEL_SHARED(double, shared);  // a number a thread
  const i64 wide = (slice + columns - 1) / columns;
  const int members = columns * groups, member = threadIdx.x % members, group = member / columns;
  const i64 s = blockIdx.x / wide * (kSegmentThreads / members) + threadIdx.x / members;
  const i64 column = blockIdx.x % wide * columns + member % columns;
  double total = 0.0;
  if (s < segments && column < slice) {
    const int end = start[s + 1];
    for (int r = start[s] + group; r < end;) {
      float piece = 0.0f;
      for (int k = 0; k < 32 && r < end; k++, r += groups) piece += x[rows[r] * slice + column];
      total += piece;
    }
  }
  shared[threadIdx.x] = total;
  for (int half = members / 2; half >= columns; half /= 2) {
    __syncthreads();
    if (member < half) shared[threadIdx.x] += shared[threadIdx.x + half];
  }
  if (group == 0 && s < segments && column < slice) y[s * slice + column] = static_cast<float>(shared[threadIdx.x]);
}
