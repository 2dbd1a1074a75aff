// Transpose on the GPU. Merged axes: transpose.ts.
//
// x (size) -> y (size). Where the axis along which x is contiguous is not y's last, the two form matrices that go
// through shared memory in squares of 32: rows of both are read and written whole. The other axes give the matrix.
// Where the last axis stays last, and where one of the two is short, each element of y (or each pack of 16 bytes) looks
// up its place in x. Bytes: 8 an element.
#include "../strides.cuh"

// axes: all of them, a of x and b of y. The first `packs` packs of y, whose elements are neighbours in x too, then the
// elements behind them.
KERNEL(256, transpose_elements_f32, const float* __restrict__ x, Strides axes, i64 size, i64 packs,
       float* __restrict__ y) {
  using P = Pack<float>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
  i64 ix, iy;
  for (i64 i = first; i < packs; i += step) {
    strided_places(axes, i * P::kSize, ix, iy);
    reinterpret_cast<P*>(y)[i] = *reinterpret_cast<const P*>(x + ix);
  }
  for (i64 i = packs * P::kSize + first; i < size; i += step) {
    strided_places(axes, i, ix, iy);
    y[i] = x[ix];
  }
}

// others: the axes but the two of the matrix, which is (rows, columns) in y: along its rows x is contiguous, from
// column to column it advances by x_stride, from row to row y does by y_stride. One block a square.
KERNEL(256, transpose_squares_f32, const float* __restrict__ x, Strides others, i64 rows, i64 columns, i64 x_stride,
       i64 y_stride, float* __restrict__ y) {
  KERNEL_SHARED(float, tile);  // 32 rows of 33: a column lies in 32 banks
  const i64 down = (rows + 31) / 32, right = (columns + 31) / 32;
  const i64 square = blockIdx.x % (down * right);
  const i64 row = square / right * 32, column = square % right * 32;
  i64 ix, iy;
  strided_offsets<i64>(others, blockIdx.x / (down * right), ix, iy);
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
