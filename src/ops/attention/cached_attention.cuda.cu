// Attention of new tokens on cached keys and values: decoding. Mathematics and shapes: cached_attention.ts,
// attention.ts.
//
// Reads the visible part of the cache once for every new query.
#include "attention.cuh"

namespace attention {

// Keys and values of qkv (B,T,3C) into positions past .. past + T - 1 of cache (2,B,P,C). count: packs, or elements
// where C is no multiple of a pack.
template <class A>
DEVICE void append(A* cache, const A* qkv, int B, int T, int C, int past, int P, i64 count) {
  const i64 e = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e >= count) return;
  const int width = C % Pack<A>::kSize == 0 ? Pack<A>::kSize : 1;
  const i64 at = e * width, row = at / (2 * C);
  const int c = static_cast<int>(at % (2 * C)), value = c >= C;
  const A* from = qkv + row * 3 * C + C + c;
  A* to = cache + ((value * static_cast<i64>(B) + row / T) * P + past + row % T) * C + (value ? c - C : c);
  if (width == 1)
    *to = *from;
  else
    *reinterpret_cast<Pack<A>*>(to) = *reinterpret_cast<const Pack<A>*>(from);
}

// 8 elements from d on, zeros from D on.
template <class A>
DEVICE void load8(float (&x)[8], const A* from, int d, int D) {
  if (D % 8 == 0) {
    if (d < D) {
#pragma unroll
      for (int i = 0; i < 8; i += Pack<A>::kSize) {
        const auto pack = *reinterpret_cast<const Pack<A>*>(from + d + i);
#pragma unroll
        for (int j = 0; j < Pack<A>::kSize; j++) x[i + j] = to_float(pack.at[j]);
      }
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < 8; i++) x[i] = d + i < D ? to_float(from[d + i]) : 0.0f;
}

// qkv (B,T,3C), cache (2,B,P,C) -> y (B,T,C). A block takes a new query of a head; `lanes` threads, a power of two, a
// key at a time, each 8 of its elements; the groups share out the keys, and what they found is put together in their
// order. shared: per group its maximum, its sum, and 8 * lanes elements.
template <class A>
DEVICE void cached(A* y, const A* qkv, const A* cache, int B, int T, int H, int D, int window, int past, int P,
                   int lanes, float scale, float* shared) {
  constexpr int kKeys = 4;  // of a group at a time, so that their loads overlap
  const i64 n = blockIdx.x / H, b = n / T, C = static_cast<i64>(H) * D;
  const int h = blockIdx.x % H, groups = blockDim.x / lanes, group = threadIdx.x / lanes;
  const int d = threadIdx.x % lanes * 8;
  const int last = past + static_cast<int>(n % T), first = highest(0, last - window + 1);
  const A *keys = cache + b * P * C + h * D, *values = keys + C * B * P;
  float q[8], out[8], top = kHidden, total = 0;
  load8(q, qkv + n * 3 * C + h * D, d, D);
#pragma unroll
  for (int i = 0; i < 8; i++) out[i] = 0;
  for (int key0 = first; key0 <= last; key0 += kKeys * groups) {
    float score[kKeys], value[kKeys][8], largest = top;
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      const int key = lowest(last, key0 + u * groups + group);
      float k[8];
      load8(k, keys + key * C, d, D);
      load8(value[u], values + key * C, d, D);
      score[u] = 0;
#pragma unroll
      for (int i = 0; i < 8; i++) score[u] += q[i] * k[i];
    }
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      for (int apart = lanes / 2; apart; apart >>= 1) score[u] += __shfl_xor_sync(kAllLanes, score[u], apart);
      score[u] = key0 + u * groups + group <= last ? score[u] * scale : kHidden;
      largest = fmaxf(largest, score[u]);
    }
    const float shrink = exp2_fast((top - largest) * kLog2E);
    top = largest;
    total *= shrink;
#pragma unroll
    for (int i = 0; i < 8; i++) out[i] *= shrink;
#pragma unroll
    for (int u = 0; u < kKeys; u++) {
      const float weight = score[u] == kHidden ? 0.0f : exp2_fast((score[u] - top) * kLog2E);
      total += weight;
#pragma unroll
      for (int i = 0; i < 8; i++) out[i] += weight * value[u][i];
    }
  }
  float *tops = shared, *totals = tops + groups, *outs = totals + groups;
  if (d == 0) {
    tops[group] = top;
    totals[group] = total;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) outs[threadIdx.x * 8 + i] = out[i];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < D) {
    top = kHidden;
    for (int i = 0; i < groups; i++) top = fmaxf(top, tops[i]);
    float sum = 0;
    total = 0;
    for (int i = 0; i < groups; i++) {
      const float weight = exp2_fast((tops[i] - top) * kLog2E);
      total += weight * totals[i];
      sum += weight * outs[i * lanes * 8 + threadIdx.x];
    }
    y[n * C + h * D + threadIdx.x] = from_float<A>(sum / total);
  }
}

}  // namespace attention

// ---- kernels

#define ATTENTION_CACHED(A, suffix)                                                                                  \
  KERNEL(256, attention_append_##suffix, A* cache, const A* qkv, int B, int T, int C, int past, int P, i64 count) {  \
    attention::append(cache, qkv, B, T, C, past, P, count);                                                          \
  }                                                                                                                  \
  KERNEL(256, attention_cached_##suffix, A* y, const A* qkv, const A* cache, int B, int T, int H, int D, int window, \
         int past, int P, int lanes, float scale) {                                                                  \
    KERNEL_SHARED(float, shared);                                                                                    \
    attention::cached(y, qkv, cache, B, T, H, D, window, past, P, lanes, scale, shared);                             \
  }
ATTENTION_CACHED(float, f32)
ATTENTION_CACHED(bf16, bf16)
#undef ATTENTION_CACHED
