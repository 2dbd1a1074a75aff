// The grid of elementwise kernels on the GPU.
#pragma once
#include <algorithm>

#include "../../backends/cuda/kernel.h"

namespace gpt {

constexpr int kElementwiseThreads = 256;

// Blocks for so many items (packs or elements), one a thread, or two grids' worth of full multiprocessors: the kernels
// stride over what is left.
inline Grid elementwise_grid(int64_t items) {
  const int64_t most = int64_t{16} * multiprocessors();
  return {std::clamp<int64_t>(blocks(items, kElementwiseThreads), 1, most)};
}

}  // namespace gpt
