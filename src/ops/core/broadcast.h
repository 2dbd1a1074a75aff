// Walks through a result whose two operands are broadcast: the dimensions that broadcast.ts passes.
#pragma once
#include "../../backends/call.h"

namespace gpt {

struct Broadcast {
  static constexpr int kMaxDims = 8;
  int n = 0;
  int64_t size[kMaxDims], a[kMaxDims], b[kMaxDims];  // from outer to inner

  // attrs[at] = n, then n times (size, stride of a, stride of b)
  Broadcast(const Call& call, size_t at) {
    n = static_cast<int>(call.dim(at));
    GPT_CHECK(n >= 0 && n <= kMaxDims, std::to_string(n) + " dimensions, at most 8 are possible");
    for (int i = 0; i < n; i++) {
      size[i] = call.dim(at + 1 + 3 * i);
      a[i] = call.dim(at + 2 + 3 * i);
      b[i] = call.dim(at + 3 + 3 * i);
    }
  }

  // Product of the first `dims` sizes.
  int64_t count(int dims) const {
    int64_t total = 1;
    for (int i = 0; i < dims; i++) total *= size[i];
    return total;
  }

  // Calls body(index, offset in a, offset in b) for indices [first, last) of the first `dims` dimensions.
  template <class Body>
  void walk(int dims, int64_t first, int64_t last, const Body& body) const {
    int64_t at[kMaxDims] = {}, ia = 0, ib = 0;
    int64_t rest = first;
    for (int i = dims - 1; i >= 0; i--) {
      at[i] = rest % size[i];
      rest /= size[i];
      ia += at[i] * a[i];
      ib += at[i] * b[i];
    }
    for (int64_t index = first; index < last; index++) {
      body(index, ia, ib);
      for (int i = dims - 1; i >= 0; i--) {
        ia += a[i];
        ib += b[i];
        if (++at[i] < size[i]) break;
        ia -= at[i] * a[i];
        ib -= at[i] * b[i];
        at[i] = 0;
      }
    }
  }
};

}  // namespace gpt
