// How kernels of transpose.cuda.cu see their tensors.
#pragma once
#include "../elementwise.h"

namespace gpt {

constexpr int kTransposeAxes = 8;

struct TransposeAxes {
  int64_t size[kTransposeAxes], x[kTransposeAxes], y[kTransposeAxes];  // from outer to inner: sizes, strides of x and y
  int n, narrow;                                                       // narrow: all indices are below 2^31
};

}  // namespace gpt
