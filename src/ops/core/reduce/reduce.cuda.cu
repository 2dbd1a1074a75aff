// Reductions on the GPU. Shapes: reduce.ts.
//
// x (outer, length, inner) -> y (outer, inner). Three ways, all in a fixed order:
//   threads  short `length`: one thread an output, neighbours have neighbouring columns
//   warps    rows up to 1,024 numbers (inner = 1): 1 to 32 lanes a row
//   pieces   one block for a piece of `length` and up to 32 columns; few numbers a thread, then a tree. Several pieces
//            are combined by a second kernel of the same form in float64, so the error of a long sum stays that of a
//            piece
// Bytes: x once. Warps read 128 neighbouring bytes where inner allows it.
#include "../../../backends/cuda/device.cuh"

struct ReduceSum {
  template <class T>
  static DEVICE T apply(T a, T x) {
    return a + x;
  }
  static DEVICE float identity() { return 0.0f; }
};

struct ReduceProd {
  template <class T>
  static DEVICE T apply(T a, T x) {
    return a * x;
  }
  static DEVICE float identity() { return 1.0f; }
};

struct ReduceMax {
  template <class T>
  static DEVICE T apply(T a, T x) {
    return x > a || x != x ? x : a;  // a NaN stays
  }
  static DEVICE float identity() { return -DEVICE_INFINITY; }
};

struct ReduceMin {
  template <class T>
  static DEVICE T apply(T a, T x) {
    return x < a || x != x ? x : a;
  }
  static DEVICE float identity() { return DEVICE_INFINITY; }
};

// scale: one over what Mean divides by, else 1. In float64, so that it rounds once.
DEVICE float reduce_result(double total, double scale) { return static_cast<float>(total * scale); }

template <class Op>
DEVICE void reduce_threads(const float* x, i64 outputs, i64 length, i64 inner, double scale, float* y) {
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; i < outputs; i += step) {
    const i64 o = i / inner;
    const float* from = x + o * length * inner + (i - o * inner);
    float total = Op::identity();
#pragma unroll 4
    for (int r = 0; r < length; r++) total = Op::apply(total, from[r * inner]);
    y[i] = reduce_result(total, scale);
  }
}

// lanes: 1, 2, 4, ... 32, that share a row.
template <class Op>
DEVICE void reduce_warps(const float* x, i64 rows, int length, int lanes, double scale, float* y) {
  const int lane = threadIdx.x & 31, part = lane & (lanes - 1), per_warp = 32 / lanes, warps = blockDim.x >> 5;
  const i64 step = static_cast<i64>(gridDim.x) * warps * per_warp;
  for (i64 first = (static_cast<i64>(blockIdx.x) * warps + (threadIdx.x >> 5)) * per_warp; first < rows;
       first += step) {
    const i64 row = first + lane / lanes;
    float total = Op::identity();
    if (row < rows) {
#pragma unroll 4
      for (int j = part; j < length; j += lanes) total = Op::apply(total, x[row * length + j]);
    }
    for (int half = lanes / 2; half; half /= 2) total = Op::apply(total, __shfl_xor_sync(kAllLanes, total, half));
    if (part == 0 && row < rows) y[row] = reduce_result(total, scale);
  }
}

constexpr int kReduceThreads = 256;

// `pieces` of `piece` rows each -> y (outer, pieces, inner). Threads: (group of rows, column), `columns` a power of
// two.
template <class Op, class Total>
DEVICE void reduce_pieces(const float* x, i64 length, i64 inner, i64 piece, i64 pieces, int columns, double scale,
                          Total* shared, float* y) {
  const int thread = threadIdx.x;
  const i64 wide = (inner + columns - 1) / columns, task = blockIdx.x / wide;  // (outer, piece)
  const i64 o = task / pieces, p = task % pieces, column = blockIdx.x % wide * columns + thread % columns;
  const int groups = kReduceThreads / columns;
  Total total[4];
#pragma unroll
  for (int k = 0; k < 4; k++) total[k] = Op::identity();
  if (column < inner) {
    const float* from = x + o * length * inner + column;
    const i64 most = (p + 1) * piece, end = most < length ? most : length;
    i64 r = p * piece + thread / columns;
    for (; r + 3 * groups < end; r += 4 * groups) {
#pragma unroll
      for (int k = 0; k < 4; k++) total[k] = Op::template apply<Total>(total[k], from[(r + k * groups) * inner]);
    }
    for (; r < end; r += groups) total[0] = Op::template apply<Total>(total[0], from[r * inner]);
  }
  shared[thread] = Op::apply(Op::apply(total[0], total[1]), Op::apply(total[2], total[3]));
  for (int half = kReduceThreads / 2; half >= columns; half /= 2) {
    __syncthreads();
    if (thread < half) shared[thread] = Op::apply(shared[thread], shared[thread + half]);
  }
  if (thread < columns && column < inner) y[task * inner + column] = reduce_result(shared[thread], scale);
}

#define REDUCTION(name, Op)                                                                                           \
  KERNEL(256, reduce_threads_##name##_f32, const float* __restrict__ x, i64 outputs, i64 length, i64 inner,           \
         double scale, float* __restrict__ y) {                                                                       \
    reduce_threads<Op>(x, outputs, length, inner, scale, y);                                                          \
  }                                                                                                                   \
  KERNEL(256, reduce_warps_##name##_f32, const float* __restrict__ x, i64 rows, int length, int lanes, double scale,  \
         float* __restrict__ y) {                                                                                     \
    reduce_warps<Op>(x, rows, length, lanes, scale, y);                                                               \
  }                                                                                                                   \
  KERNEL(256, reduce_pieces_##name##_f32, const float* __restrict__ x, i64 length, i64 inner, i64 piece, i64 pieces,  \
         int columns, double scale, float* __restrict__ y) {                                                          \
    KERNEL_SHARED(float, shared);                                                                                     \
    reduce_pieces<Op>(x, length, inner, piece, pieces, columns, scale, shared, y);                                    \
  }                                                                                                                   \
  KERNEL(256, reduce_combine_##name##_f32, const float* __restrict__ x, i64 length, i64 inner, i64 piece, i64 pieces, \
         int columns, double scale, float* __restrict__ y) {                                                          \
    KERNEL_SHARED(double, shared);                                                                                    \
    reduce_pieces<Op>(x, length, inner, piece, pieces, columns, scale, shared, y);                                    \
  }

REDUCTION(sum, ReduceSum)
REDUCTION(prod, ReduceProd)
REDUCTION(max, ReduceMax)
REDUCTION(min, ReduceMin)
#undef REDUCTION
