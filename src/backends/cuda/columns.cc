#include "columns.h"

#include <algorithm>

namespace gpt {

namespace {

constexpr int64_t kBlocks = 1024;   // of a column sum: several for each multiprocessor of any GPU
constexpr int64_t kLeastRows = 32;  // that are worth a block

}  // namespace

void add_column_sums(float* to, const void* matrix, DType dtype, int64_t M, int64_t N, int64_t stride) {
  if (M * N == 0) return;
  const int64_t pack = 16 / bytes_of(dtype);
  const int wide = N % pack == 0 && stride % pack == 0 && aligned(matrix);
  const int64_t tiles = blocks(N, 32 * (wide ? pack : 1));
  const int64_t most = std::max<int64_t>(1, kBlocks / tiles);
  const int64_t chunk = blocks(M, std::min(most, blocks(M, kLeastRows)));  // rows
  const int64_t chunks = blocks(M, chunk);
  const Scratch partial(chunks * N * 4);
  launch(typed("column_sum", dtype), {tiles, chunks}, 256, 256 * pack * 4, partial.data(), matrix, M, N, stride, chunk,
         wide);
  add_partials(to, partial.floats(), chunks, N);
}

void add_partials(float* to, const float* partial, int64_t P, int64_t N) {
  launch("add_partials", {blocks(N, 32)}, 1024, 4096, to, to, partial, P, N, N);
}

void add_partials(float* to_0, float* to_1, const float* partial, int64_t P, int64_t N) {
  launch("add_partials", {blocks(N, 32), 2}, 1024, 4096, to_0, to_1, partial, P, N, 2 * N);
}

}  // namespace gpt
