// Fill on the CPU: fill.ts.
#include "../../../backends/native/kernel.h"
#include "../blocks.h"

namespace gpt {

// out y (n); attrs n, value
static void fill(const Call& call) {
  const int64_t n = call.dim(0);
  const float value = call.num(1);
  float* y = f32_out(call, 0, n);
  for_blocks(n, [&](int64_t first, int64_t last) { std::fill(y + first, y + last, value); });
}
GPT_KERNEL("Fill", "a tensor of one number", fill);

}  // namespace gpt
