// Casts on the GPU: cast.ts.
#include "../elementwise.h"

namespace gpt {

// in x (n) int32 or bytes; out y (n) float32; attrs n
static void cast(const Call& call) {
  const int64_t n = call.dim(0);
  const void* x = tensor_in(call, 0, n);
  float* y = f32_out(call, 0, n);
  const char* kernel = call.in[0].dtype == DType::i32 ? "cast_i32_f32" : "cast_u8_f32";
  launch(kernel, elementwise_grid(blocks(n, 4)), kElementwiseThreads, 0, x, n, y);
}
GPT_KERNEL("Cast", "int32 or bool to float32", "n", "f", cast);

}  // namespace gpt
