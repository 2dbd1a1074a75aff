// Sizes and strides of two tensors, as kernels take them. Field by field that of strides.cuh.
#pragma once
#include <cstdint>

namespace gpt {

constexpr int kMostDimensions = 8;

struct Strides {
  int64_t size[kMostDimensions], a[kMostDimensions], b[kMostDimensions];  // from outer to inner
  int n, narrow;                                                          // narrow: all indices are below 2^31
};

}  // namespace gpt
