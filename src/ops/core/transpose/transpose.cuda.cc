// Transpose on the GPU: transpose.ts.
#include "../elementwise.h"
#include "../strides.h"

namespace gpt {

namespace {

constexpr int64_t kShort = 8;  // an axis that fills less than a quarter of a square

}  // namespace

// in x (size); out y (size); attrs size, number of axes (2 to 8), then of each axis of y its size and x's stride along
// it
static void transpose(const Call& call) {
  const int64_t total = call.dim(0), rank = call.dim(1);
  GPT_CHECK(rank >= 2 && rank <= kMostDimensions, std::to_string(rank) + " axes, 2 to 8 are possible");
  const float* x = f32_in(call, 0, total);
  float* y = f32_out(call, 0, total);
  Strides all = {}, others = {};  // a: of x, b: of y
  all.n = static_cast<int>(rank);
  all.narrow = total < (int64_t{1} << 31);
  int64_t y_stride = total, last_in_x = 0;
  for (int i = 0; i < all.n; i++) {
    all.size[i] = call.dim(2 + 2 * i);
    all.a[i] = call.dim(3 + 2 * i);
    y_stride /= all.size[i];
    all.b[i] = y_stride;
    last_in_x += (all.size[i] - 1) * all.a[i];
  }
  GPT_CHECK(y_stride == 1 && last_in_x == total - 1, "the axes do not give the size of the result");
  const int last = all.n - 1;
  const int contiguous = static_cast<int>(std::find(all.a, all.a + all.n, 1) - all.a);
  GPT_CHECK(contiguous < all.n, "no axis of x is contiguous");
  const int64_t rows = all.size[contiguous], columns = all.size[last];
  if (contiguous == last || rows < kShort || columns < kShort) {
    const int64_t packs = contiguous == last && columns % 4 == 0 ? total / 4 : 0;
    const Grid grid = elementwise_grid(packs ? packs : total);
    launch("transpose_elements_f32", grid, kElementwiseThreads, 0, x, all, total, packs, y);
    return;
  }
  for (int i = 0; i < last; i++) {
    if (i == contiguous) continue;
    others.size[others.n] = all.size[i];
    others.a[others.n] = all.a[i];
    others.b[others.n++] = all.b[i];
  }
  const int64_t matrices = total / (rows * columns);
  launch("transpose_squares_f32", {matrices * blocks(rows, 32) * blocks(columns, 32)}, 256, 32 * 33 * sizeof(float), x,
         others, rows, columns, all.a[last], all.b[contiguous], y);
}
GPT_KERNEL("Transpose", "permutation of axes", "f", "f", transpose);

}  // namespace gpt
