// Select on the GPU: select.ts.
#include "../elementwise.h"

namespace gpt {

// in condition (n bytes), t (n), e (n); out y (n); attrs n
static void select_elements(const Call& call) {
  const int64_t n = call.dim(0);
  const void* condition = tensor_in(call, 0, n);
  const float *t = f32_in(call, 1, n), *e = f32_in(call, 2, n);
  float* y = f32_out(call, 0, n);
  launch("select_f32", elementwise_grid(blocks(n, 4)), kElementwiseThreads, 0, condition, t, e, n, y);
}
GPT_KERNEL("Select", "elements of one tensor or another", "uff", "f", select_elements);

}  // namespace gpt
