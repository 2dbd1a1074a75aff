// Launcher of dropout on the GPU. Kernels: dropout.cuda.cu.
#include "../../backends/cuda/kernel.h"

namespace gpt {

// in x (n); out y = x * mask / (1 - p); attrs n, threshold, scale, step, site, key0, key1
static void dropout(const Call& call) {
  const int64_t n = call.dim(0);
  const auto u32 = [&](size_t i) { return static_cast<uint32_t>(call.attrs.at(i)); };
  const DType dtype = call.in[0].dtype;
  const void* x = tensor_in(call, 0, n);
  void* y = tensor_out(call, 0, n);
  if (n == 0) return;
  const int64_t size = dtype == DType::bf16 ? 8 : 4;  // elements of 16 bytes
  launch(typed("dropout", dtype), {blocks(n, 256 * size)}, 256, 0, x, y, n, u32(1), call.num(2), u32(3), u32(4), u32(5),
         u32(6));
}
GPT_KERNEL("GptDropout", "y = x * mask / (1 - p), the mask from a Philox counter", "a", "a", dropout);

}  // namespace gpt
