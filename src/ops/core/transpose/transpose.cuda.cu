// Transpose on the GPU. Merged axes: transpose.ts.
//
// x (size) -> y (size). Where the axis along which x is contiguous is not y's last, the two form matrices that go
// through shared memory in squares of 32: rows of both are read and written whole. The other axes give the matrix.
// Where the last axis stays last, and where one of the two is short, each element of y (or each pack of 16 bytes) looks
// up its place in x. Bytes: 8 an element.
#include "../../../backends/cuda/device.cuh"

struct TransposeAxes {
  i64 size[8], x[8], y[8];  // from outer to inner: sizes, strides of x and y
  int n;
  int narrow;  // all indices are below 2^31: divisions of 32 bits
};

template <class Index>
DEVICE void transpose_offsets(const TransposeAxes& axes, i64 index, i64& x, i64& y) {
  Index rest = static_cast<Index>(index);
  x = y = 0;
  for (int i = axes.n - 1; i >= 0; i--) {
    const Index size = static_cast<Index>(axes.size[i]), outer = rest / size;
    const i64 at = rest - outer * size;
    x += at * axes.x[i];
    y += at * axes.y[i];
    rest = outer;
  }
}

DEVICE i64 transpose_place(const TransposeAxes& axes, i64 element) {
  i64 x, y;
  if (axes.narrow)
    transpose_offsets<u32>(axes, element, x, y);
  else
    transpose_offsets<i64>(axes, element, x, y);
  return x;
}

// axes: all of them. The first `packs` packs of y, whose elements are neighbours in x too, then the elements behind
// them.
KERNEL(256, transpose_elements_f32, const float* __restrict__ x, TransposeAxes axes, i64 size, i64 packs,
       float* __restrict__ y) {
  using P = Pack<float>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  for (i64 i = first; i < packs; i += step)
    reinterpret_cast<P*>(y)[i] = *reinterpret_cast<const P*>(x + transpose_place(axes, i * P::kSize));
  for (i64 i = packs * P::kSize + first; i < size; i += step) y[i] = x[transpose_place(axes, i)];
}

// others: the axes but the two of the matrix, which is (rows, columns) in y: along its rows x is contiguous, from
// column to column it advances by x_stride, from row to row y does by y_stride. One block a square.
KERNEL(256, transpose_squares_f32, const float* __restrict__ x, TransposeAxes others, i64 rows, i64 columns,
       i64 x_stride, i64 y_stride, float* __restrict__ y) {
  KERNEL_SHARED(float, tile);  // 32 rows of 33: a column lies in 32 banks
  const i64 down = (rows + 31) / 32, right = (columns + 31) / 32;
  const i64 square = blockIdx.x % (down * right);
  const i64 row = square / right * 32, column = square % right * 32;
  i64 ix, iy;
  transpose_offsets<i64>(others, blockIdx.x / (down * right), ix, iy);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int j = warp; j < 32; j += 8) {
    if (row + lane < rows && column + j < columns) tile[j * 33 + lane] = x[ix + (column + j) * x_stride + row + lane];
  }
  __syncthreads();
#pragma unroll
  for (int i = warp; i < 32; i += 8) {
    if (row + i < rows && column + lane < columns) y[iy + (row + i) * y_stride + column + lane] = tile[lane * 33 + i];
  }
}
