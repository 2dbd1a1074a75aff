// Philox4x32-10, the twin of src/base/rng.ts: the same counter and key give the same four numbers.
#pragma once
#include <cstdint>

namespace gpt {

struct Philox {
  uint32_t x[4];
};

inline Philox philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = uint64_t{0xd2511f53} * c0, p1 = uint64_t{0xcd9e8d57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return {{c0, c1, c2, c3}};
}

// A dropout mask: element e is kept iff its random number is at least p * 2^32. The numbers of one mask are those of
// counter (e / 4, step, site, Stream.dropout = 2) under the key of the seed (src/ops/dropout/mask.ts).
struct DropoutMask {
  uint32_t step, site, key0, key1, threshold;
  float scale;  // 1 / (1 - p)

  // factor[i] = mask of element first + i, times scale
  void fill(float* factor, int64_t first, int64_t n) const {
    int64_t i = 0;
    while (i < n) {
      const int64_t e = first + i;
      const Philox r = philox(static_cast<uint32_t>(e >> 2), step, site, 2, key0, key1);
      for (int lane = e & 3; lane < 4 && i < n; lane++, i++) factor[i] = r.x[lane] >= threshold ? scale : 0.0f;
    }
  }
};

}  // namespace gpt
