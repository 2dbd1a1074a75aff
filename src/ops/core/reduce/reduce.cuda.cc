// Reductions on the GPU: reduce.ts.
#include "../elementwise.h"

namespace gpt {

namespace {

constexpr int kThreads = 256;          // reduce.cuda.cu
constexpr int64_t kThreadLength = 64;  // longest reduction of one thread
constexpr int64_t kThreadRow = 8;      // the same where the reduced axis is contiguous
constexpr int64_t kWarpRow = 1024;     // longest row of a warp
constexpr int64_t kRowsOfThread = 32;  // numbers that a thread of a piece reduces

int64_t power_of_two(int64_t least, int64_t most) {
  int64_t n = 1;
  while (n < least && n < most) n *= 2;
  return n;
}

// in x (outer, length, inner); out y (outer, inner); attrs outer, length, inner, count (divides the result of Mean)
void reduce(const Call& call, const std::string& op, double scale = 1) {
  const int64_t outer = call.dim(0), length = call.dim(1), inner = call.dim(2), outputs = outer * inner;
  const float* x = f32_in(call, 0, outputs * length);
  float* y = f32_out(call, 0, outputs);
  const std::string suffix = "_" + op + "_f32";
  if (length <= (inner == 1 ? kThreadRow : kThreadLength)) {
    launch("reduce_threads" + suffix, elementwise_grid(outputs), kThreads, 0, x, outputs, length, inner, scale, y);
    return;
  }
  if (inner == 1 && length <= kWarpRow) {
    const int lanes = static_cast<int>(power_of_two(length / 4, 32));
    launch("reduce_warps" + suffix, elementwise_grid(outer * lanes), kThreads, 0, x, outer, static_cast<int>(length),
           lanes, scale, y);
    return;
  }
  const int columns = static_cast<int>(power_of_two(inner, 32));
  const int64_t wide = blocks(inner, columns), piece = kThreads / columns * kRowsOfThread;
  const int64_t pieces = blocks(length, piece);
  const auto in_pieces = [&](const char* stage, int64_t shared_bytes, const float* from, int64_t rows, int64_t of,
                             int64_t parts, double of_result, float* to) {
    launch(stage + suffix, {outer * parts * wide}, kThreads, kThreads * shared_bytes, from, rows, inner, of, parts,
           columns, of_result, to);
  };
  if (pieces == 1) return in_pieces("reduce_pieces", sizeof(float), x, length, piece, 1, scale, y);
  Scratch partial(outer * pieces * inner * sizeof(float));
  in_pieces("reduce_pieces", sizeof(float), x, length, piece, pieces, 1, partial.floats());
  in_pieces("reduce_combine", sizeof(double), partial.floats(), pieces, pieces, 1, scale, y);
}

}  // namespace

static void sum_reduction(const Call& call) { reduce(call, "sum"); }
GPT_KERNEL("Sum", "sum over axes", "f", "f", sum_reduction);

static void mean_reduction(const Call& call) { reduce(call, "sum", 1 / call.attrs.at(3)); }
GPT_KERNEL("Mean", "mean over axes", "f", "f", mean_reduction);

static void prod_reduction(const Call& call) { reduce(call, "prod"); }
GPT_KERNEL("Prod", "product over axes", "f", "f", prod_reduction);

static void max_reduction(const Call& call) { reduce(call, "max"); }
GPT_KERNEL("Max", "largest element over axes", "f", "f", max_reduction);

static void min_reduction(const Call& call) { reduce(call, "min"); }
GPT_KERNEL("Min", "smallest element over axes", "f", "f", min_reduction);

}  // namespace gpt
