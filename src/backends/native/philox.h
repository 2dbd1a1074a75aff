// Philox4x32-10, the twin of src/base/rng.ts: the same counter and key give the same four numbers.
#pragma once
#include <algorithm>
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
// counter (e / 4, step, site, Stream.dropout = 2) under the key of the seed (src/ops/dropout/dropout.ts).
struct DropoutMask {
  uint32_t step, site, key0, key1, threshold;
  float scale;  // 1 / (1 - p)

  // factor[i] = mask of element first + i, times scale. Whole counters run several at once: one per vector lane.
  void fill(float* factor, int64_t first, int64_t n) const {
    const int64_t head = std::min(n, -first & 3);  // elements before the first whole counter
    part(factor, first, head);
    const int64_t counters = (n - head) / 4;
    const uint32_t c0 = static_cast<uint32_t>((first + head) >> 2);
    float* whole = factor + head;
#pragma omp simd
    for (int64_t i = 0; i < counters; i++) {
      const Philox r = philox(c0 + static_cast<uint32_t>(i), step, site, 2, key0, key1);
      whole[4 * i] = r.x[0] >= threshold ? scale : 0.0f;
      whole[4 * i + 1] = r.x[1] >= threshold ? scale : 0.0f;
      whole[4 * i + 2] = r.x[2] >= threshold ? scale : 0.0f;
      whole[4 * i + 3] = r.x[3] >= threshold ? scale : 0.0f;
    }
    part(whole + 4 * counters, first + head + 4 * counters, n - head - 4 * counters);
  }

 private:
  // The same for elements of one counter.
  void part(float* factor, int64_t first, int64_t n) const {
    if (n == 0) return;
    const Philox r = philox(static_cast<uint32_t>(first >> 2), step, site, 2, key0, key1);
    for (int64_t i = 0; i < n; i++) factor[i] = r.x[(first & 3) + i] >= threshold ? scale : 0.0f;
  }
};

}  // namespace gpt
