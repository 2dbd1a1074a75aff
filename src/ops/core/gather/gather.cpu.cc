// Rows by index on the CPU. Shapes: gather.ts.
#include <cstring>
#include <vector>

#include "../../../backends/native/kernel.h"
#include "../blocks.h"

namespace gpt {

// in x (batch, outer, dim, slice), indices (batch, I); out y (batch, outer, I, slice);
// attrs batch, outer, dim, slice, I
static void gather(const Call& call) {
  const int64_t batch = call.dim(0), outer = call.dim(1), dim = call.dim(2), slice = call.dim(3), n = call.dim(4);
  const float* x = f32_in(call, 0, batch * outer * dim * slice);
  const int32_t* indices = i32_in(call, 1, batch * n);
  float* y = f32_out(call, 0, batch * outer * n * slice);
  for (int64_t i = 0; i < batch * n; i++)
    GPT_CHECK(indices[i] >= 0 && indices[i] < dim,
              "the index value " + std::to_string(indices[i]) + " is not in [0, " + std::to_string(dim - 1) + "]");
  for_row_blocks(batch * outer * n, slice, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const int64_t block = row / n;  // of x and y: one (batch, outer)
      const int64_t index = indices[block / outer * n + row % n];
      const float* from = x + (block * dim + index) * slice;
      if (slice == 1)
        y[row] = *from;
      else
        std::memcpy(y + row * slice, from, slice * sizeof(float));
    }
  });
}
GPT_KERNEL("GatherV2", "rows by index", gather);

// in x (N, slice), ids (N); out y (segments, slice); attrs N, segments, slice
// The rows of each segment are listed first (a counting sort), so segments are independent of each other.
static void unsorted_segment_sum(const Call& call) {
  const int64_t N = call.dim(0), segments = call.dim(1), slice = call.dim(2);
  const float* x = f32_in(call, 0, N * slice);
  const int32_t* ids = i32_in(call, 1, N);
  float* y = f32_out(call, 0, segments * slice);
  std::vector<int64_t> end(segments + 1, 0);  // of segment s, after sorting: end[s] to end[s + 1] first
  const auto inside = [&](int64_t n) { return ids[n] >= 0 && ids[n] < segments; };
  for (int64_t n = 0; n < N; n++)
    if (inside(n)) end[ids[n] + 1]++;
  for (int64_t s = 0; s < segments; s++) end[s + 1] += end[s];
  std::vector<int64_t> rows(end[segments]), next(end.begin(), end.end() - 1);
  for (int64_t n = 0; n < N; n++)
    if (inside(n)) rows[next[ids[n]]++] = n;
#pragma omp parallel for schedule(dynamic, 16) if ((N + segments) * slice > kAlone * kBlock)
  for (int64_t s = 0; s < segments; s++) {
    float* ys = y + s * slice;
    std::fill_n(ys, slice, 0.0f);
    for (int64_t r = end[s]; r < end[s + 1]; r++) {
      const float* xr = x + rows[r] * slice;
#pragma omp simd
      for (int64_t j = 0; j < slice; j++) ys[j] += xr[j];
    }
  }
}
GPT_KERNEL("UnsortedSegmentSum", "sums of rows by index", unsorted_segment_sum);

}  // namespace gpt
