// Elementwise work in blocks of a fixed size: which elements are computed together, and so by vector or by tail
// code, does not depend on the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>

namespace gpt {

constexpr int64_t kBlock = 16384;  // elements: 64 KiB a tensor, a few microseconds
constexpr int64_t kAlone = 7;      // blocks of work: up to here, waking other threads costs more than they save

// Calls body(first, last) for all blocks of [0, n), on all cores where there are several.
template <class Body>
void for_blocks(int64_t n, const Body& body) {
  const int64_t blocks = (n + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static) if (blocks > kAlone)
  for (int64_t i = 0; i < blocks; i++) body(i * kBlock, std::min(n, (i + 1) * kBlock));
}

// The same for n rows of `width` elements: blocks of whole rows.
template <class Body>
void for_row_blocks(int64_t n, int64_t width, const Body& body) {
  const int64_t rows = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, width));
  const int64_t blocks = (n + rows - 1) / rows;
#pragma omp parallel for schedule(static) if (n * width > kAlone * kBlock)
  for (int64_t i = 0; i < blocks; i++) body(i * rows, std::min(n, (i + 1) * rows));
}

}  // namespace gpt
