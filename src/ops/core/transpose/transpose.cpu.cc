// Transpose on the CPU. Merged axes: transpose.ts.
//
// in x (size); out y (size); attrs size, number of axes (2 to 8), then of each axis of y its size and x's stride along
// it. Where the last axis stays last, rows are copied. Otherwise the axis along which x is contiguous and y's last axis
// form matrices that are transposed in squares, which keeps both sides within cache lines.
#include <algorithm>
#include <cstring>

#include "../../../backends/native/kernel.h"
#include "../blocks.h"

namespace gpt {

namespace {

constexpr int kMaxAxes = 8;
constexpr int64_t kSquare = 16;  // a cache line of floats

struct Axes {
  int n = 0;
  int64_t size[kMaxAxes], x[kMaxAxes], y[kMaxAxes];  // strides of x and y

  void add(int64_t axis_size, int64_t x_stride, int64_t y_stride) {
    size[n] = axis_size;
    x[n] = x_stride;
    y[n++] = y_stride;
  }
  int64_t count() const {
    int64_t total = 1;
    for (int i = 0; i < n; i++) total *= size[i];
    return total;
  }
  void offsets(int64_t index, int64_t* ix, int64_t* iy) const {
    *ix = *iy = 0;
    for (int i = n - 1; i >= 0; i--) {
      const int64_t at = index % size[i];
      index /= size[i];
      *ix += at * x[i];
      *iy += at * y[i];
    }
  }
};

void transpose_square(const float* x, int64_t x_stride, float* y, int64_t y_stride, int64_t rows, int64_t columns) {
  if (rows == kSquare && columns == kSquare) {  // constant bounds: unrolled
    for (int64_t i = 0; i < kSquare; i++) {
      for (int64_t j = 0; j < kSquare; j++) y[i * y_stride + j] = x[i + j * x_stride];
    }
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) y[i * y_stride + j] = x[i + j * x_stride];
  }
}

}  // namespace

static void transpose(const Call& call) {
  const int64_t total = call.dim(0), rank = call.dim(1);
  GPT_CHECK(rank >= 2 && rank <= kMaxAxes, std::to_string(rank) + " axes, 2 to 8 are possible");
  const float* x = f32_in(call, 0, total);
  float* y = f32_out(call, 0, total);
  Axes all, others;
  int64_t y_stride = total;
  for (int i = 0; i < rank; i++) {
    const int64_t size = call.dim(2 + 2 * i);
    y_stride /= size;
    all.add(size, call.dim(3 + 2 * i), y_stride);
  }
  GPT_CHECK(y_stride == 1, "the axes do not give the size of the result");
  const int last = all.n - 1;
  const int contiguous = static_cast<int>(std::find(all.x, all.x + all.n, 1) - all.x);
  GPT_CHECK(contiguous < all.n, "no axis of x is contiguous");
  for (int i = 0; i < all.n; i++) {
    if (i != last && i != contiguous) others.add(all.size[i], all.x[i], all.y[i]);
  }
  const int64_t columns = all.size[last];
  if (contiguous == last) {
    for_row_blocks(others.count(), columns, [&](int64_t first, int64_t end) {
      for (int64_t r = first; r < end; r++) {
        int64_t ix, iy;
        others.offsets(r, &ix, &iy);
        std::memcpy(y + iy, x + ix, columns * sizeof(float));
      }
    });
    return;
  }
  const int64_t rows = all.size[contiguous], stripes = (rows + kSquare - 1) / kSquare;
  for_row_blocks(others.count() * stripes, kSquare * columns, [&](int64_t first, int64_t end) {
    for (int64_t task = first; task < end; task++) {
      int64_t ix, iy;
      others.offsets(task / stripes, &ix, &iy);
      const int64_t i = task % stripes * kSquare;
      for (int64_t j = 0; j < columns; j += kSquare) {
        transpose_square(x + ix + i + j * all.x[last], all.x[last], y + iy + i * all.y[contiguous] + j,
                         all.y[contiguous], std::min(kSquare, rows - i), std::min(kSquare, columns - j));
      }
    }
  });
}
GPT_KERNEL("Transpose", "permutation of axes", transpose);

}  // namespace gpt
