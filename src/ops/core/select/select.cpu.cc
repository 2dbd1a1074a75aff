// Select on the CPU: select.ts.
#include "../../../backends/native/kernel.h"
#include "../blocks.h"

namespace gpt {

// in condition (n bytes), t (n), e (n); out y (n); attrs n
static void select_elements(const Call& call) {
  const int64_t n = call.dim(0);
  const View& view = call.in.at(0);
  GPT_CHECK(view.dtype == DType::u8 && view.size >= n, "the condition is not stored as bytes");
  const uint8_t* condition = static_cast<const uint8_t*>(view.data);
  const float *t = f32_in(call, 1, n), *e = f32_in(call, 2, n);
  float* y = f32_out(call, 0, n);
  for_blocks(n, [&](int64_t first, int64_t last) {
#pragma omp simd
    for (int64_t i = first; i < last; i++) {
      const float yes = t[i], no = e[i];
      y[i] = condition[i] == 1 ? yes : no;
    }
  });
}
GPT_KERNEL("Select", "elements of one tensor or another", select_elements);

}  // namespace gpt
