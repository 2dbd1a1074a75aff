// Layer norm on the GPU, alone and after a residual add. Mathematics and shapes: layernorm.ts.
//
// x (N,C), y (N,C), float32 or bfloat16. A row belongs to one warp up to C = 1,024 (backward: 768, in float32 512), to
// a team of warps beyond. A thread holds its part of the row, up to kPacks packs of 16 bytes, in registers: every
// matrix is read once and written once, the variance is summed from differences to the mean. The backward pass
// recomputes mean and 1/std from x, as the row has to be read anyway; its blocks walk over the rows and sum dweight and
// dbias in registers, then over their teams, and write one partial sum each. layernorm_any_*: any C, by elements.
#include "../../backends/cuda/device.cuh"

// What a team of warps does together. Blocks are whole teams; a row has `warps` warps of 32 threads.
struct LayernormTeam {
  int warps, rank, step;  // rank: this thread among the team's `step` threads
  int first_warp, index;  // of the team in the block
  DEVICE explicit LayernormTeam(int warps) : warps(warps), step(warps * 32) {
    const int warp = threadIdx.x >> 5;
    index = warp / warps;
    first_warp = index * warps;
    rank = static_cast<int>(threadIdx.x) - first_warp * 32;
  }
  // v[i] = their sums over the team. shared: 32 floats a value, free again after one more barrier
  template <int n>
  DEVICE void sum(float (&v)[n], float* shared) const {
#pragma unroll
    for (int i = 0; i < n; i++) v[i] = warp_sum(v[i]);
    if (warps == 1) return;
    if ((threadIdx.x & 31) == 0)
#pragma unroll
      for (int i = 0; i < n; i++) shared[i * 32 + (threadIdx.x >> 5)] = v[i];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < n; i++) {
      v[i] = 0.0f;
      for (int w = 0; w < warps; w++) v[i] += shared[i * 32 + first_warp + w];
    }
  }
};

// at[0 .. W) of a float32 array, aligned to 16 bytes unless W is 1
template <int W>
DEVICE void layernorm_load(const float* at, float (&v)[W]) {
#pragma unroll
  for (int p = 0; p < W / 4; p++) {
    const Pack<float> four = reinterpret_cast<const Pack<float>*>(at)[p];
#pragma unroll
    for (int k = 0; k < 4; k++) v[p * 4 + k] = four.at[k];
  }
}

// total = x + branch as it is stored, y = layer norm of total; without a branch y = layer norm of x.
// C <= kPacks * kSize * 32 * warps, a multiple of kSize. shared: 64 floats where a team has several warps.
template <class T, int kPacks>
DEVICE void layernorm_forward(T* total, T* y, const T* x, const T* branch, const float* __restrict__ weight,
                              const float* __restrict__ bias, float* shared, i64 N, int C, int warps, float eps) {
  constexpr int W = Pack<T>::kSize;
  const LayernormTeam team(warps);
  const int teams = static_cast<int>(blockDim.x) / team.step, packs = C / W;
  const i64 row = static_cast<i64>(blockIdx.x) * teams + team.index;
  const bool live = row < N;
  Pack<T> held[kPacks];
  float sum[1] = {0.0f};
#pragma unroll
  for (int p = 0; p < kPacks; p++) {
    const int i = team.rank + p * team.step;
    if (live && i < packs) held[p] = reinterpret_cast<const Pack<T>*>(x + row * C)[i];
  }
  if (branch) {
    Pack<T> added[kPacks];
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int i = team.rank + p * team.step;
      if (live && i < packs) added[p] = reinterpret_cast<const Pack<T>*>(branch + row * C)[i];
    }
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int i = team.rank + p * team.step;
      if (live && i < packs) {
        float v[W];
#pragma unroll
        for (int k = 0; k < W; k++) v[k] = to_float(held[p].at[k]) + to_float(added[p].at[k]);
        held[p] = to_pack<T>(v);
        reinterpret_cast<Pack<T>*>(total + row * C)[i] = held[p];
      }
    }
  }
#pragma unroll
  for (int p = 0; p < kPacks; p++)
    if (live && team.rank + p * team.step < packs)
#pragma unroll
      for (int k = 0; k < W; k++) sum[0] += to_float(held[p].at[k]);
  team.sum(sum, shared);
  const float mean = sum[0] / C;
  float squares[1] = {0.0f};
#pragma unroll
  for (int p = 0; p < kPacks; p++)
    if (live && team.rank + p * team.step < packs)
#pragma unroll
      for (int k = 0; k < W; k++) {
        const float d = to_float(held[p].at[k]) - mean;
        squares[0] += d * d;
      }
  team.sum(squares, shared + 32);
  const float rstd = rsqrtf(squares[0] / C + eps);
#pragma unroll
  for (int p = 0; p < kPacks; p++) {
    const int i = team.rank + p * team.step;
    if (live && i < packs) {
      float w[W], b[W], v[W];
      layernorm_load(weight + i * W, w);
      layernorm_load(bias + i * W, b);
#pragma unroll
      for (int k = 0; k < W; k++) v[k] = (to_float(held[p].at[k]) - mean) * rstd * w[k] + b[k];
      reinterpret_cast<Pack<T>*>(y + row * C)[i] = to_pack<T>(v);
    }
  }
}

// dx = rstd * (dyw - mean(dyw) - xhat * mean(dyw * xhat)) [+ dsum],  dyw = dy * weight
// partial (gridDim.x,2,C): dweight and dbias of the rows that a block has had. Each block has at least one row.
// shared: 128 floats, and with several teams in a block 2 C more.
template <class T, int kPacks>
DEVICE void layernorm_backward(T* dx, float* partial, const T* x, const float* __restrict__ weight, const T* dy,
                               const T* dsum, float* shared, i64 N, int C, int warps, float eps) {
  constexpr int W = Pack<T>::kSize;
  const LayernormTeam team(warps);
  const int teams = static_cast<int>(blockDim.x) / team.step, packs = C / W;
  float dweight[kPacks][W] = {}, dbias[kPacks][W] = {};
  for (i64 base = static_cast<i64>(blockIdx.x) * teams; base < N; base += static_cast<i64>(gridDim.x) * teams) {
    const i64 row = base + team.index;
    const bool live = row < N;
    Pack<T> px[kPacks], pdy[kPacks];
    float sum[1] = {0.0f};
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int i = team.rank + p * team.step;
      if (live && i < packs) {
        px[p] = reinterpret_cast<const Pack<T>*>(x + row * C)[i];
        pdy[p] = reinterpret_cast<const Pack<T>*>(dy + row * C)[i];
      }
    }
#pragma unroll
    for (int p = 0; p < kPacks; p++)
      if (live && team.rank + p * team.step < packs)
#pragma unroll
        for (int k = 0; k < W; k++) sum[0] += to_float(px[p].at[k]);
    team.sum(sum, shared);
    const float mean = sum[0] / C;
    Pack<T> added[kPacks] = {};  // loaded here, to arrive while the sums are made
    if (dsum) {
#pragma unroll
      for (int p = 0; p < kPacks; p++) {
        const int i = team.rank + p * team.step;
        if (live && i < packs) added[p] = reinterpret_cast<const Pack<T>*>(dsum + row * C)[i];
      }
    }
    float sums[3] = {0.0f, 0.0f, 0.0f};  // of d^2, dyw and dyw d, d = x - mean
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int i = team.rank + p * team.step;
      if (live && i < packs) {
        float w[W];
        layernorm_load(weight + i * W, w);
#pragma unroll
        for (int k = 0; k < W; k++) {
          const float d = to_float(px[p].at[k]) - mean, dyw = to_float(pdy[p].at[k]) * w[k];
          sums[0] += d * d;
          sums[1] += dyw;
          sums[2] += dyw * d;
        }
      }
    }
    team.sum(sums, shared + 32);
    const float rstd = rsqrtf(sums[0] / C + eps), mean_dyw = sums[1] / C, mean_dyw_xhat = sums[2] * rstd / C;
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int i = team.rank + p * team.step;
      if (live && i < packs) {
        float w[W], v[W];
        layernorm_load(weight + i * W, w);
#pragma unroll
        for (int k = 0; k < W; k++) {
          const float xhat = (to_float(px[p].at[k]) - mean) * rstd, d = to_float(pdy[p].at[k]);
          v[k] = rstd * (d * w[k] - mean_dyw - xhat * mean_dyw_xhat);
          dweight[p][k] += d * xhat;
          dbias[p][k] += d;
        }
#pragma unroll
        for (int k = 0; k < W; k++) v[k] += to_float(added[p].at[k]);
        reinterpret_cast<Pack<T>*>(dx + row * C)[i] = to_pack<T>(v);
      }
    }
  }

  // teams one after the other, the last one writes
  float* sums = shared + 128;
  float* to = partial + static_cast<i64>(blockIdx.x) * 2 * C;
  for (int turn = 0; turn < teams; turn++) {
    if (team.index == turn) {
#pragma unroll
      for (int p = 0; p < kPacks; p++) {
        const int c = (team.rank + p * team.step) * W;
        if (c < C)
#pragma unroll
          for (int k = 0; k < W; k += 4) {
            using Four = Pack<float>;
            Four a = {{dweight[p][k], dweight[p][k + 1], dweight[p][k + 2], dweight[p][k + 3]}};
            Four b = {{dbias[p][k], dbias[p][k + 1], dbias[p][k + 2], dbias[p][k + 3]}};
            if (turn > 0) {
              const Four earlier_a = *reinterpret_cast<const Four*>(sums + c + k);
              const Four earlier_b = *reinterpret_cast<const Four*>(sums + C + c + k);
#pragma unroll
              for (int j = 0; j < 4; j++) a.at[j] += earlier_a.at[j], b.at[j] += earlier_b.at[j];
            }
            float* at = turn == teams - 1 ? to : sums;
            *reinterpret_cast<Four*>(at + c + k) = a;
            *reinterpret_cast<Four*>(at + C + c + k) = b;
          }
      }
    }
    __syncthreads();
  }
}

// ---- any C: a block per row, elements one by one; what is read again comes from the caches

// shared: 32 floats
template <class T>
DEVICE void layernorm_forward_any(T* total, T* y, const T* x, const T* branch, const float* weight, const float* bias,
                                  float* shared, int C, float eps) {
  const i64 start = static_cast<i64>(blockIdx.x) * C;
  const T* row = branch ? total + start : x + start;
  float sum = 0.0f, squares = 0.0f;
  for (int c = threadIdx.x; c < C; c += blockDim.x) {
    if (branch) total[start + c] = from_float<T>(to_float(x[start + c]) + to_float(branch[start + c]));
    sum += to_float(row[c]);
  }
  const float mean = block_sum(sum, shared) / C;
  for (int c = threadIdx.x; c < C; c += blockDim.x) {
    const float d = to_float(row[c]) - mean;
    squares += d * d;
  }
  const float rstd = rsqrtf(block_sum(squares, shared) / C + eps);
  for (int c = threadIdx.x; c < C; c += blockDim.x)
    y[start + c] = from_float<T>((to_float(row[c]) - mean) * rstd * weight[c] + bias[c]);
}

template <class T>
DEVICE void layernorm_backward_any(T* dx, float* partial, const T* x, const float* weight, const T* dy, const T* dsum,
                                   float* shared, i64 N, int C, float eps) {
  float* to = partial + static_cast<i64>(blockIdx.x) * 2 * C;
  for (i64 row = blockIdx.x; row < N; row += gridDim.x) {
    const i64 start = row * C;
    float sum = 0.0f, squares = 0.0f, sum_dyw = 0.0f, sum_dyw_d = 0.0f;
    for (int c = threadIdx.x; c < C; c += blockDim.x) sum += to_float(x[start + c]);
    const float mean = block_sum(sum, shared) / C;
    for (int c = threadIdx.x; c < C; c += blockDim.x) {
      const float d = to_float(x[start + c]) - mean, dyw = to_float(dy[start + c]) * weight[c];
      squares += d * d;
      sum_dyw += dyw;
      sum_dyw_d += dyw * d;
    }
    const float rstd = rsqrtf(block_sum(squares, shared) / C + eps);
    const float mean_dyw = block_sum(sum_dyw, shared) / C;
    const float mean_dyw_xhat = block_sum(sum_dyw_d, shared) * rstd / C;
    for (int c = threadIdx.x; c < C; c += blockDim.x) {
      const float xhat = (to_float(x[start + c]) - mean) * rstd, d = to_float(dy[start + c]);
      float v = rstd * (d * weight[c] - mean_dyw - xhat * mean_dyw_xhat);
      if (dsum) v += to_float(dsum[start + c]);
      dx[start + c] = from_float<T>(v);
      const bool first = row == blockIdx.x;  // a column is always the same thread's
      to[c] = (first ? 0.0f : to[c]) + d * xhat;
      to[C + c] = (first ? 0.0f : to[C + c]) + d;
    }
  }
}

#define LAYERNORM_KERNELS(suffix, T, forward_packs, backward_packs)                                                    \
  KERNEL(512, layernorm_##suffix, T* total, T* y, const T* x, const T* branch, const float* weight, const float* bias, \
         i64 N, int C, int warps, float eps) {                                                                         \
    KERNEL_SHARED(float, shared);                                                                                      \
    layernorm_forward<T, forward_packs>(total, y, x, branch, weight, bias, shared, N, C, warps, eps);                  \
  }                                                                                                                    \
  KERNEL(512, layernorm_grad_##suffix, T* dx, float* partial, const T* x, const float* weight, const T* dy,            \
         const T* dsum, i64 N, int C, int warps, float eps) {                                                          \
    KERNEL_SHARED(float, shared);                                                                                      \
    layernorm_backward<T, backward_packs>(dx, partial, x, weight, dy, dsum, shared, N, C, warps, eps);                 \
  }                                                                                                                    \
  KERNEL(256, layernorm_any_##suffix, T* total, T* y, const T* x, const T* branch, const float* weight,                \
         const float* bias, int C, float eps) {                                                                        \
    KERNEL_SHARED(float, shared);                                                                                      \
    layernorm_forward_any<T>(total, y, x, branch, weight, bias, shared, C, eps);                                       \
  }                                                                                                                    \
  KERNEL(256, layernorm_any_grad_##suffix, T* dx, float* partial, const T* x, const float* weight, const T* dy,        \
         const T* dsum, i64 N, int C, float eps) {                                                                     \
    KERNEL_SHARED(float, shared);                                                                                      \
    layernorm_backward_any<T>(dx, partial, x, weight, dy, dsum, shared, N, C, eps);                                    \
  }

LAYERNORM_KERNELS(f32, float, 8, 4)
LAYERNORM_KERNELS(bf16, bf16, 4, 3)
#undef LAYERNORM_KERNELS
