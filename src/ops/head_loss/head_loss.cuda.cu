// Cross-entropy and its gradient on the GPU, for a chunk of logits. Mathematics: head_loss.ts.
//
// head_loss_rows: logits (rows, stride), float32 or bfloat16, columns beyond V undefined. A block a row: one pass keeps
// a running maximum and sum of exponentials (Milakov & Gimelshein 2018, https://arxiv.org/abs/1805.02867), the second
// one writes the gradient over the logits; it goes backwards, to meet in the cache what the first one has read last.
// Two reads (one of them mostly from the cache) and one write of the chunk, 16 bytes at a time, four accesses under
// way. head_loss_sum: the weighted sum over all rows, in float64, by one block.
#include "../../backends/cuda/device.cuh"

constexpr int kHeadLossAhead = 4;  // packs that a thread loads at once
constexpr float kHeadLossLog2E = 1.4426950408889634f, kHeadLossLn2 = 0.6931471805599453f;

// Four packs of a row, `threads` packs apart from pack `base` on. Columns from V on, and packs that the row does not
// have, are -infinity, whatever is stored there. The loads have no condition, so that all are issued before the first
// one is waited for.
template <class T>
DEVICE void head_loss_load(const Pack<T>* row, int base, int threads, int packs, int V,
                           float (&v)[kHeadLossAhead][Pack<T>::kSize]) {
  constexpr int W = Pack<T>::kSize;
  Pack<T> raw[kHeadLossAhead];
#pragma unroll
  for (int a = 0; a < kHeadLossAhead; a++) {
    const int i = base + a * threads;
    raw[a] = row[i < packs ? i : packs - 1];
  }
#pragma unroll
  for (int a = 0; a < kHeadLossAhead; a++)
#pragma unroll
    for (int k = 0; k < W; k++) v[a][k] = to_float(raw[a].at[k]);
  if ((base + (kHeadLossAhead - 1) * threads + 1) * W <= V) return;  // all of them, but in the last round
#pragma unroll
  for (int a = 0; a < kHeadLossAhead; a++) {
    const int left = V - (base + a * threads) * W;
#pragma unroll
    for (int k = 0; k < W; k++)
      if (k >= left) v[a][k] = -DEVICE_INFINITY;
  }
}

// nll = -log softmax(logits)[target]; with gradient, logits = (softmax - onehot(target)) * weight, zero from column V
// on. target < 0: not scored, nll and gradient are 0. target >= V is an error that a kernel cannot throw: nll is NaN,
// the gradient 0. stride: a multiple of a pack. shared: 32 floats.
template <class T>
DEVICE void head_loss_row(T* logits, float* nll, const int* targets, const float* weights, float* shared, int V,
                          int stride, int gradient) {
  constexpr int W = Pack<T>::kSize;
  const int threads = blockDim.x, thread = threadIdx.x, packs = stride / W;
  Pack<T>* row = reinterpret_cast<Pack<T>*>(logits + static_cast<i64>(blockIdx.x) * stride);
  const int target = targets[blockIdx.x];
  if (target < 0 || target >= V) {
    if (thread == 0) nll[blockIdx.x] = target < 0 ? 0.0f : DEVICE_INFINITY - DEVICE_INFINITY;
    if (gradient) {
      const float zeros[W] = {};
      for (int i = thread; i < packs; i += threads) row[i] = to_pack<T>(zeros);
    }
    return;
  }
  // read by every thread before the barriers below: after them it is overwritten
  const float at_target = to_float(reinterpret_cast<const T*>(row)[target]);

  // Exponents are to the base of 2, one fused operation each. top: log2(e) times the maximum, as it is rounded here, is
  // what all are relative to.
  float top = -DEVICE_INFINITY, total = 0.0f;
  for (int base = thread; base < packs; base += kHeadLossAhead * threads) {
    float v[kHeadLossAhead][W];
    head_loss_load<T>(row, base, threads, packs, V, v);
    float largest = -DEVICE_INFINITY;
#pragma unroll
    for (int a = 0; a < kHeadLossAhead; a++)
#pragma unroll
      for (int k = 0; k < W; k++) largest = fmaxf(largest, v[a][k]);
    const float higher = fmaxf(top, largest * kHeadLossLog2E);
    if (higher > -DEVICE_INFINITY) {
      total *= exp2_fast(top - higher);
#pragma unroll
      for (int a = 0; a < kHeadLossAhead; a++)
#pragma unroll
        for (int k = 0; k < W; k++) total += exp2_fast(v[a][k] * kHeadLossLog2E - higher);
      top = higher;
    }
  }
  const float highest = block_max(top, shared);
  total = block_sum(top > -DEVICE_INFINITY ? total * exp2_fast(top - highest) : 0.0f, shared);
  if (thread == 0) nll[blockIdx.x] = logf(total) - kHeadLossLn2 * (at_target * kHeadLossLog2E - highest);
  if (!gradient) return;

  const float weight = weights[blockIdx.x], scale = weight / total;
  const int rounds = (packs + kHeadLossAhead * threads - 1) / (kHeadLossAhead * threads);
  for (int round = rounds - 1; round >= 0; round--) {
    const int base = round * kHeadLossAhead * threads + thread;
    float v[kHeadLossAhead][W];
    head_loss_load<T>(row, base, threads, packs, V, v);
#pragma unroll
    for (int a = 0; a < kHeadLossAhead; a++) {
      const int i = base + a * threads;
      if (i >= packs) break;
#pragma unroll
      for (int k = 0; k < W; k++) v[a][k] = exp2_fast(v[a][k] * kHeadLossLog2E - highest) * scale;
      if (target / W == i) {
#pragma unroll
        for (int k = 0; k < W; k++)
          if (i * W + k == target) v[a][k] -= weight;
      }
      row[i] = to_pack<T>(v[a]);
    }
  }
}

KERNEL(512, head_loss_rows_f32, float* logits, float* nll, const int* targets, const float* weights, int V, int stride,
       int gradient) {
  KERNEL_SHARED(float, shared);
  head_loss_row<float>(logits, nll, targets, weights, shared, V, stride, gradient);
}

KERNEL(512, head_loss_rows_bf16, bf16* logits, float* nll, const int* targets, const float* weights, int V, int stride,
       int gradient) {
  KERNEL_SHARED(float, shared);
  head_loss_row<bf16>(logits, nll, targets, weights, shared, V, stride, gradient);
}

// loss (1) = sum of weights * nll; shared: a double a thread; the number of threads is a power of two
KERNEL(1024, head_loss_sum, float* loss, const float* nll, const float* weights, i64 N) {
  KERNEL_SHARED(double, shared);
  const int threads = blockDim.x, thread = threadIdx.x;
  double sum = 0;
#pragma unroll 4
  for (i64 n = thread; n < N; n += threads) sum += static_cast<double>(weights[n]) * nll[n];
  shared[thread] = sum;
  for (int half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) shared[thread] += shared[thread + half];
  }
  if (thread == 0) *loss = static_cast<float>(shared[0]);
}
