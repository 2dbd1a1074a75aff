// Rows by index on the GPU: gather.ts.
#include "../elementwise.h"

namespace gpt {

// in x (batch, outer, dim, slice), indices (batch, I); out y (batch, outer, I, slice);
// attrs batch, outer, dim, slice, I
static void gather(const Call& call) {
  const int64_t batch = call.dim(0), outer = call.dim(1), dim = call.dim(2), slice = call.dim(3), n = call.dim(4);
  const float* x = f32_in(call, 0, batch * outer * dim * slice);
  const void* indices = tensor_in(call, 1, batch * n);
  const int64_t size = batch * outer * n * slice;
  float* y = f32_out(call, 0, size);
  const int64_t packs = slice % 4 == 0 ? size / 4 : 0;
  launch("gather_f32", elementwise_grid(packs ? packs : size), kElementwiseThreads, 0, x, indices, outer, dim, slice, n,
         size, packs, y);
}
GPT_KERNEL("GatherV2", "rows by index", "fi", "f", gather);

namespace {

constexpr int64_t kTile = 2048, kDigits = 256;  // gather.cuda.cu

int64_t power_of_two(int64_t least, int64_t most) {
  int64_t n = 1;
  while (n < least && n < most) n *= 2;
  return n;
}

}  // namespace

// in x (N, slice), ids (N); out y (segments, slice); attrs N, segments, slice
static void unsorted_segment_sum(const Call& call) {
  const int64_t N = call.dim(0), segments = call.dim(1), slice = call.dim(2);
  GPT_CHECK(N < INT32_MAX && segments < INT32_MAX, "more rows or segments than an int32 can count");
  const float* x = f32_in(call, 0, N * slice);
  const void* ids = tensor_in(call, 1, N);
  float* y = f32_out(call, 0, segments * slice);
  const int rows = static_cast<int>(N), count = static_cast<int>(segments);
  const int64_t tiles = blocks(N, kTile), cells = tiles * kDigits;
  Scratch scratch((4 * N + cells + segments + 1) * sizeof(int));
  int* keys = static_cast<int*>(scratch.data());
  int *order = keys + N, *next_keys = order + N, *next_order = next_keys + N, *table = next_order + N;
  int* start = table + cells;
  launch("segment_keys", elementwise_grid(N), kElementwiseThreads, 0, ids, rows, count, keys, order);
  for (int shift = 0; shift < 31 && segments >> shift; shift += 8) {
    launch("segment_count", {tiles}, 256, kDigits * sizeof(int), keys, rows, shift, table);
    launch("segment_scan", {1}, 1024, 32 * sizeof(int), table, cells);
    launch("segment_move", {tiles}, 256, 8 * kDigits * sizeof(int), keys, order, rows, shift, table, next_keys,
           next_order);
    std::swap(keys, next_keys);
    std::swap(order, next_order);
  }
  launch("segment_starts", elementwise_grid(segments + 1), kElementwiseThreads, 0, keys, rows, count, start);
  const int64_t columns = power_of_two(slice, 32), groups = power_of_two(N / segments / 8, 256 / columns);
  const int64_t per_block = 256 / (columns * groups);  // segments
  launch("segment_sum_f32", {blocks(segments, per_block) * blocks(slice, columns)}, 256, 256 * sizeof(double), x, order,
         start, count, slice, static_cast<int>(columns), static_cast<int>(groups), y);
}
GPT_KERNEL("UnsortedSegmentSum", "sums of rows by index", "fi", "f", unsorted_segment_sum);

}  // namespace gpt
