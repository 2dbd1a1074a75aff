// Softmax on the CPU. Formula: softmax.ts.
//
// in x (N,C); out y (N,C); attrs N, C. One thread per row, so a row's sum has one order.
#include "../../../backends/native/kernel.h"
#include "../../../backends/native/simd.h"
#include "../blocks.h"

namespace gpt {

static constexpr int64_t kPiece = 4096;

static void softmax(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1);
  const float* x = f32_in(call, 0, N * C);
  float* y = f32_out(call, 0, N * C);
  for_row_blocks(N, C, [&](int64_t first, int64_t last) {
    for (int64_t n = first; n < last; n++) {
      const float* xn = x + n * C;
      float* yn = y + n * C;
      const float largest = max(xn, C);
#pragma omp simd
      for (int64_t c = 0; c < C; c++) yn[c] = fast_exp(xn[c] - largest);
      double pieces = 0;  // a vocabulary is too long for one sum in float32
      for (int64_t c = 0; c < C; c += kPiece) pieces += sum(yn + c, std::min(C - c, kPiece));
      const float total = static_cast<float>(pieces);
#pragma omp simd
      for (int64_t c = 0; c < C; c++) yn[c] /= total;
    }
  });
}
GPT_KERNEL("Softmax", "softmax over the last axis", softmax);

}  // namespace gpt
