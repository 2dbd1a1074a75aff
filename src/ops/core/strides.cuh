// Where an element of a result lies in two other tensors, on the GPU. The host's side: strides.h.
#pragma once
#include "../../backends/cuda/device.cuh"

struct Strides {
  i64 size[8], a[8], b[8];  // from outer to inner: sizes of the result's dimensions, strides of the two tensors
  int n;
  int narrow;  // all indices are below 2^31: divisions of 32 bits
};

template <class Index>
DEVICE void strided_offsets(const Strides& strides, i64 element, i64& a, i64& b) {
  Index rest = static_cast<Index>(element);
  a = b = 0;
  for (int i = strides.n - 1; i > 0; i--) {
    const Index size = static_cast<Index>(strides.size[i]), outer = rest / size;
    const i64 at = rest - outer * size;
    a += at * strides.a[i];
    b += at * strides.b[i];
    rest = outer;
  }
  a += rest * strides.a[0];
  b += rest * strides.b[0];
}

// The places of `element` in both.
DEVICE void strided_places(const Strides& strides, i64 element, i64& a, i64& b) {
  if (strides.narrow)
    strided_offsets<u32>(strides, element, a, b);
  else
    strided_offsets<i64>(strides, element, a, b);
}
