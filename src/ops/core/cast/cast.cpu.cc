// Casts on the CPU: cast.ts.
#include "../../../backends/native/kernel.h"
#include "../blocks.h"

namespace gpt {

namespace {

template <class From>
void to_float(const Call& call) {
  const int64_t n = call.dim(0);
  const View& view = call.in.at(0);
  GPT_CHECK(view.size >= n, "the input has " + std::to_string(view.size) + " elements, expected " + std::to_string(n));
  const From* x = static_cast<const From*>(view.data);
  float* y = f32_out(call, 0, n);
  for_blocks(n, [&](int64_t first, int64_t last) {
#pragma omp simd
    for (int64_t i = first; i < last; i++) y[i] = static_cast<float>(x[i]);
  });
}

}  // namespace

// in x (n) int32 or bytes; out y (n) float32; attrs n
static void cast(const Call& call) {
  if (call.in.at(0).dtype == DType::i32) return to_float<int32_t>(call);
  GPT_CHECK(call.in.at(0).dtype == DType::u8, "the input is stored neither as int32 nor as bytes");
  to_float<uint8_t>(call);
}
GPT_KERNEL("Cast", "int32 or bool to float32", cast);

}  // namespace gpt
