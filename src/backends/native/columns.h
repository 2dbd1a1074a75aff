// Sums over rows (bias and layer-norm gradients), in an order that does not depend on the number of threads: the rows
// are cut into kRowChunks ranges, each summed by one thread, and the partial sums are added from first to last.
#pragma once
#include <algorithm>
#include <cstdint>

#include "scratch.h"

namespace gpt {

constexpr int64_t kRowChunks = 32;

// Calls body(first_row, last_row, partial) for each chunk, partial being `width` zeroed floats, then writes or adds
// the total to out.
template <class Body>
void sum_over_rows(int64_t rows, int64_t width, float* out, bool accumulate, const Body& body) {
  static Scratch scratch;
  const int64_t chunks = std::min(kRowChunks, std::max<int64_t>(1, rows));
  float* partial = scratch.floats(chunks * width);
#pragma omp parallel for schedule(static)
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    float* p = partial + chunk * width;
    std::fill_n(p, width, 0.0f);
    body(rows * chunk / chunks, rows * (chunk + 1) / chunks, p);
  }
#pragma omp parallel for simd schedule(static)
  for (int64_t j = 0; j < width; j++) {
    float total = accumulate ? out[j] : 0.0f;
    for (int64_t chunk = 0; chunk < chunks; chunk++) total += partial[chunk * width + j];
    out[j] = total;
  }
}

}  // namespace gpt
