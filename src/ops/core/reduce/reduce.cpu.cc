// Reductions on the CPU. Shapes: reduce.ts.
//
// in x (outer, reduce, inner); out y (outer, inner); attrs outer, reduce, inner, count (divides the result of Mean).
// `reduce` is cut into pieces of a fixed length, each reduced in float32 by one thread; the results of the pieces are
// combined from first to last in float64. So the order, and every bit, does not depend on the number of threads, and
// the error of a long sum stays that of a piece.
#include <algorithm>
#include <cmath>

#include "../../../backends/native/kernel.h"
#include "../../../backends/native/scratch.h"
#include "../../../backends/native/simd.h"
#include "../blocks.h"

namespace gpt {

namespace {

constexpr int64_t kRowPiece = 4096;    // elements, where the reduced axis is contiguous
constexpr int64_t kColumnPiece = 256;  // rows, where it is not
constexpr int64_t kColumns = 1024;     // columns that one thread reduces at a time: they stay in the L1 cache

struct Sum {
  static constexpr float kIdentity = 0;
  template <class T>
  static T apply(T a, T x) {
    return a + x;
  }
};

struct Prod {
  static constexpr float kIdentity = 1;
  template <class T>
  static T apply(T a, T x) {
    return a * x;
  }
};

struct Max {
  static constexpr float kIdentity = -INFINITY;
  template <class T>
  static T apply(T a, T x) {
    return (x > a) | (x != x) ? x : a;  // a NaN stays
  }
};

struct Min {
  static constexpr float kIdentity = INFINITY;
  template <class T>
  static T apply(T a, T x) {
    return (x < a) | (x != x) ? x : a;
  }
};

template <class Op>
float reduce_row(const float* x, int64_t n) {
  Vec acc[4];
  for (Vec& v : acc) v = Op::kIdentity - Vec{};
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    for (int k = 0; k < 4; k++) acc[k] = Op::apply(acc[k], load(x + i + k * kWidth));
  }
  const Vec all = Op::apply(Op::apply(acc[0], acc[1]), Op::apply(acc[2], acc[3]));
  float total = Op::kIdentity;
  for (int k = 0; k < kWidth; k++) total = Op::apply(total, static_cast<float>(all[k]));
  for (; i < n; i++) total = Op::apply(total, x[i]);
  return total;
}

template <class Op>
void reduce_columns(const float* x, int64_t rows, int64_t stride, int64_t columns, float* y) {
  std::copy_n(x, columns, y);
  for (int64_t r = 1; r < rows; r++) {
    const float* xr = x + r * stride;
#pragma omp simd
    for (int64_t j = 0; j < columns; j++) y[j] = Op::apply(y[j], xr[j]);
  }
}

template <class Op>
void reduce(const Call& call, bool mean) {
  const int64_t outer = call.dim(0), length = call.dim(1), inner = call.dim(2);
  const float* x = f32_in(call, 0, outer * length * inner);
  float* y = f32_out(call, 0, outer * inner);
  const int64_t piece = inner == 1 ? kRowPiece : kColumnPiece;
  const int64_t pieces = (length + piece - 1) / piece, blocks = (inner + kColumns - 1) / kColumns;
  static Scratch scratch;
  float* partial = pieces == 1 ? y : scratch.floats(outer * pieces * inner);  // (outer, pieces, inner)
  const int64_t tasks = outer * pieces * blocks;
  const bool parallel = outer * length * inner > kAlone * kBlock;
#pragma omp parallel for schedule(static) if (parallel)
  for (int64_t task = 0; task < tasks; task++) {
    const int64_t block = task % blocks, p = task / blocks % pieces, o = task / blocks / pieces;
    const int64_t first = p * piece, n = std::min(length - first, piece);
    const float* from = x + (o * length + first) * inner;
    float* to = partial + (o * pieces + p) * inner;
    if (inner == 1) {
      *to = reduce_row<Op>(from, n);
    } else {
      const int64_t j = block * kColumns;
      reduce_columns<Op>(from + j, n, inner, std::min(inner - j, kColumns), to + j);
    }
  }
  const double count = mean ? call.num(3) : 1;
  if (pieces == 1 && !mean) return;
#pragma omp parallel for collapse(2) schedule(static) if (parallel)
  for (int64_t o = 0; o < outer; o++) {
    for (int64_t j = 0; j < inner; j++) {
      const float* from = partial + o * pieces * inner + j;
      double total = from[0];
      for (int64_t p = 1; p < pieces; p++) total = Op::apply(total, static_cast<double>(from[p * inner]));
      y[o * inner + j] = static_cast<float>(total / count);
    }
  }
}

}  // namespace

static void sum_reduction(const Call& call) { reduce<Sum>(call, false); }
GPT_KERNEL("Sum", "sum over axes", sum_reduction);

static void mean_reduction(const Call& call) { reduce<Sum>(call, true); }
GPT_KERNEL("Mean", "mean over axes", mean_reduction);

static void prod_reduction(const Call& call) { reduce<Prod>(call, false); }
GPT_KERNEL("Prod", "product over axes", prod_reduction);

static void max_reduction(const Call& call) { reduce<Max>(call, false); }
GPT_KERNEL("Max", "largest element over axes", max_reduction);

static void min_reduction(const Call& call) { reduce<Min>(call, false); }
GPT_KERNEL("Min", "smallest element over axes", min_reduction);

}  // namespace gpt
