// Fill on the GPU: fill.ts.
#include "../elementwise.h"

namespace gpt {

// out y (n); attrs n, value
static void fill(const Call& call) {
  const int64_t n = call.dim(0);
  float* y = f32_out(call, 0, n);
  launch("fill_f32", elementwise_grid(blocks(n, 4)), kElementwiseThreads, 0, call.num(1), n, y);
}
GPT_KERNEL("Fill", "a tensor of one number", "", "f", fill);

}  // namespace gpt
