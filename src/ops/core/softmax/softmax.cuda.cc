// Softmax on the GPU: softmax.ts.
#include "../elementwise.h"

namespace gpt {

static constexpr int64_t kSoftmaxWarp = 1024;   // longest row of a warp
static constexpr int64_t kSoftmaxSmall = 8192;  // longest row of a block of 256 threads

// in x (N,C); out y (N,C); attrs N, C
static void softmax(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  const float* x = f32_in(call, 0, N * C);
  float* y = f32_out(call, 0, N * C);
  if (C <= kSoftmaxWarp)
    launch("softmax_warps_f32", elementwise_grid(N * 32), kElementwiseThreads, 0, x, N, static_cast<int>(C), y);
  else
    launch("softmax_blocks_f32", {N}, C <= kSoftmaxSmall ? 256 : 1024, 32 * sizeof(float), x, C, y);
}
GPT_KERNEL("Softmax", "softmax over the last axis", "f", "f", softmax);

}  // namespace gpt
