// Dropout on the CPU: the mask is recomputed from its counter, never stored. See dropout.ts and native/philox.h.
#include <algorithm>

#include "../../backends/native/kernel.h"
#include "../../backends/native/philox.h"

namespace gpt {

// in x (n); out y = x * mask / (1 - p); attrs n, threshold, scale, step, site, key0, key1
static void dropout(const Call& call) {
  const int64_t n = call.dim(0);
  const auto u32 = [&](size_t i) { return static_cast<uint32_t>(call.attrs.at(i)); };
  const DropoutMask mask = {u32(3), u32(4), u32(5), u32(6), u32(1), call.num(2)};
  const float* x = f32_in(call, 0, n);
  float* y = f32_out(call, 0, n);
  constexpr int64_t kBlock = 1024;
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < n; first += kBlock) {
    float factor[kBlock];
    const int64_t size = std::min(kBlock, n - first);
    mask.fill(factor, first, size);
    for (int64_t i = 0; i < size; i++) y[first + i] = x[first + i] * factor[i];
  }
}
GPT_KERNEL("GptDropout", "y = x * mask / (1 - p), the mask from a Philox counter", dropout);

}  // namespace gpt
