// Fill on the GPU: fill.ts. y (n) = value, 16 bytes at a time. Bytes: 4 an element.
#include "../../../backends/cuda/device.cuh"

KERNEL(256, fill_f32, float value, i64 n, float* y) {
  using P = Pack<float>;
  const i64 first = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 step = static_cast<i64>(gridDim.x) * blockDim.x, packs = n / P::kSize;
  for (i64 i = first; i < packs; i += step) reinterpret_cast<P*>(y)[i] = {{value, value, value, value}};
  const i64 last = packs * P::kSize + first;
  if (last < n) y[last] = value;
}
