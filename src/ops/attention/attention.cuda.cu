// Causal and banded attention in float32 arithmetic: any head size, stored as float32 or bfloat16, for what the tensor
// cores (attention_mma.cuda.cu) do not take. Mathematics and shapes: attention.ts.
//
// 64 x 64 tiles, 256 threads, 4 x 4 numbers each: no (T,T) matrix exists. The gradient, deterministic and without
// atomic additions: `rows` (sum of y dy, one pass; the tensor cores' gradient needs it too), then dK and dV by tiles of
// keys, then dQ by tiles of queries.
#include "attention.cuh"

namespace attention {

// ---- what the gradient needs of every query

// lse2 = log2(e) lse, delta = sum of y dy, (B,H,padded), zeros from T on. A group of `lanes` threads, a power of two,
// takes a query of a head: neighbouring groups take neighbouring queries. Block (256 / lanes queries, h, b).
template <class A>
DEVICE void rows(float* lse2, float* delta, const A* y, const A* dy, const float* lse, int T, int padded, int H, int D,
                 int lanes) {
  const int t = (blockIdx.x * 256 + threadIdx.x) / lanes, lane = threadIdx.x & (lanes - 1);
  const i64 b = blockIdx.z, head = b * H + blockIdx.y;
  const bool ok = t < T;
  float sum = 0;
  if (ok) {
    const i64 from = ((b * T + t) * H + blockIdx.y) * D;
    if (D % Pack<A>::kSize == 0) {
      for (int d = lane * Pack<A>::kSize; d < D; d += lanes * Pack<A>::kSize) {
        const auto a = *reinterpret_cast<const Pack<A>*>(y + from + d),
                   b = *reinterpret_cast<const Pack<A>*>(dy + from + d);
#pragma unroll
        for (int i = 0; i < Pack<A>::kSize; i++) sum += to_float(a.at[i]) * to_float(b.at[i]);
      }
    } else {
      for (int d = lane; d < D; d += lanes) sum += to_float(y[from + d]) * to_float(dy[from + d]);
    }
  }
  for (int apart = lanes / 2; apart; apart >>= 1) sum += __shfl_xor_sync(kAllLanes, sum, apart);
  if (lane == 0 && t < padded) {
    lse2[head * padded + t] = ok ? lse[head * T + t] * kLog2E : 0;
    delta[head * padded + t] = sum;
  }
}

// ---- tiles

constexpr int kTile = 64, kDepth = 32, kPitch = kTile + 4;
constexpr int kPanel = kDepth * kPitch;  // floats of shared memory: kDepth rows of kTile

// Rows row0 .. row0 + 63 of n, elements d0 .. d0 + 31 of D, transposed; zeros beyond.
template <class A>
DEVICE void put_transposed(float* to, const A* from, i64 stride, int row0, int n, int d0, int D) {
#pragma unroll 4
  for (int i = 0; i < kTile * kDepth / 256; i++) {
    // a warp takes 8 elements of 4 rows: whole sectors of memory, and no two of its stores in one bank
    const int e = threadIdx.x + i * 256, r = e >> 7 << 2 | (e >> 3 & 3), d = (e >> 5 & 3) << 3 | (e & 7);
    const bool ok = row0 + r < n && d0 + d < D;
    to[d * kPitch + r] = ok ? to_float(from[(row0 + r) * stride + d0 + d]) : 0.0f;
  }
}

// Rows row0 .. row0 + 31 of n, elements d0 .. d0 + 63 of D; zeros beyond.
template <class A>
DEVICE void put(float* to, const A* from, i64 stride, int row0, int n, int d0, int D) {
#pragma unroll 4
  for (int i = 0; i < kTile * kDepth / 256; i++) {
    const int e = threadIdx.x + i * 256, r = e / kTile, d = e % kTile;
    const bool ok = row0 + r < n && d0 + d < D;
    to[r * kPitch + d] = ok ? to_float(from[(row0 + r) * stride + d0 + d]) : 0.0f;
  }
}

// out[r][c] += sum over 32 k of a[k][4 y + r] b[k][4 x + c]
DEVICE void multiply(float (&out)[4][4], const float* a, const float* b) {
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
#pragma unroll 8
  for (int k = 0; k < kDepth; k++) {
    const auto left = *reinterpret_cast<const Pack<float>*>(a + k * kPitch + y * 4);
    const auto right = *reinterpret_cast<const Pack<float>*>(b + k * kPitch + x * 4);
#pragma unroll
    for (int r = 0; r < 4; r++) {
#pragma unroll
      for (int c = 0; c < 4; c++) out[r][c] += left.at[r] * right.at[c];
    }
  }
}

// out = rows a0 .. a0 + 63 of a times rows b0 .. b0 + 63 of b, both of n. shared: two panels.
template <class A>
DEVICE void inner_products(float (&out)[4][4], const A* a, i64 a_stride, int a0, const A* b, i64 b_stride, int b0,
                           int n, int D, float* shared) {
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) out[r][c] = 0;
  }
  for (int d = 0; d < D; d += kDepth) {
    __syncthreads();  // the panels have been read
    put_transposed(shared, a, a_stride, a0, n, d, D);
    put_transposed(shared + kPanel, b, b_stride, b0, n, d, D);
    __syncthreads();
    multiply(out, shared, shared + kPanel);
  }
}

// out[row][d - d0] += sum over columns of w[row][column] b[b0 + column][d]: w as the threads hold it. shared: the panel
// of b, and two of weights behind it.
template <class A>
DEVICE void add_weighted(float (&out)[4][4], const float (&w)[4][4], const A* b, i64 b_stride, int b0, int n, int d0,
                         int D, float* shared) {
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  float* weights = shared + kPanel;
  for (int half = 0; half < 2; half++) {
    __syncthreads();  // the panels have been read
    if (half == 0) {
#pragma unroll
      for (int c = 0; c < 4; c++)
        *reinterpret_cast<Pack<float>*>(weights + (x * 4 + c) * kPitch +
                                        y * 4) = {{w[0][c], w[1][c], w[2][c], w[3][c]}};
    }
    put(shared, b, b_stride, b0 + half * kDepth, n, d0, D);
    __syncthreads();
    multiply(out, weights + half * kPanel, shared);
  }
}

// Dropout factors of four neighbouring weights.
DEVICE void four_factors(float (&factor)[4], const DropoutMask& mask, i64 element) {
  if (element % 4 == 0) {
    mask.four(static_cast<u32>(element >> 2), factor);
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) factor[i] = mask.one(element + i);
  }
}

// Writes the thread's 4 x 4 numbers, rounded, where row < n and column < D.
template <class A>
DEVICE void write_tile(A* to, i64 stride, const float (&out)[4][4], const float (&factor)[4], int row0, int n, int d0,
                       int D) {
  const int row = row0 + threadIdx.x / 16 * 4, d = d0 + threadIdx.x % 16 * 4;
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      if (row + r < n && d + c < D) to[(row + r) * stride + d + c] = from_float<A>(out[r][c] * factor[r]);
    }
  }
}

// Block (tile of 64 queries, head and 64 of its D columns, b): heads wider than 64 compute their scores more than once.
template <class A>
DEVICE void plain_forward(A* y, float* lse, const A* qkv, int T, int H, int D, int window, float scale,
                          const DropoutMask& mask, float* shared) {
  const int h = blockIdx.y % H, d0 = blockIdx.y / H * kTile, q0 = (gridDim.x - 1 - blockIdx.x) * kTile;
  const int row = q0 + threadIdx.x / 16 * 4, x = threadIdx.x % 16;
  const i64 b = blockIdx.z, head = b * H + h, C = static_cast<i64>(H) * D;
  const A* q = qkv + b * T * 3 * C + h * D;
  float out[4][4], top[4], total[4];
#pragma unroll
  for (int r = 0; r < 4; r++) {
    top[r] = kHidden;
    total[r] = 0;
#pragma unroll
    for (int c = 0; c < 4; c++) out[r][c] = 0;
  }
  for (int k0 = highest(0, q0 - window + 1) / kTile * kTile; k0 <= q0; k0 += kTile) {
    float s[4][4];
    inner_products(s, q, 3 * C, q0, q + C, 3 * C, k0, T, D, shared);
#pragma unroll
    for (int r = 0; r < 4; r++) {  // a row is held by 16 lanes
      float largest = top[r], sum = 0;
#pragma unroll
      for (int c = 0; c < 4; c++) {
        // a row that has seen hidden keys only is forgotten, times 0, at its first visible one
        s[r][c] = visible(row + r, k0 + x * 4 + c, window) ? s[r][c] * scale : kHidden;
        largest = fmaxf(largest, s[r][c]);
      }
#pragma unroll
      for (int apart = 8; apart; apart >>= 1) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, apart));
      const float shrink = exp2_fast((top[r] - largest) * kLog2E);
#pragma unroll
      for (int c = 0; c < 4; c++) {
        sum += s[r][c] = exp2_fast((s[r][c] - largest) * kLog2E);
        out[r][c] *= shrink;
      }
      top[r] = largest;
      total[r] = total[r] * shrink + sum;
      if (mask.threshold != 0) {
        float factor[4];
        four_factors(factor, mask, (head * T + row + r) * T + k0 + x * 4);
#pragma unroll
        for (int c = 0; c < 4; c++) s[r][c] *= factor[c];
      }
    }
    add_weighted(out, s, q + 2 * C, 3 * C, k0, T, d0, D, shared);
  }
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int apart = 8; apart; apart >>= 1) total[r] += __shfl_xor_sync(kAllLanes, total[r], apart);
    if (x == 0 && d0 == 0 && row + r < T) lse[head * T + row + r] = top[r] + logf(total[r]);
    total[r] = 1.0f / total[r];
  }
  write_tile(y + b * T * C + h * D, C, out, total, q0, T, d0, D);
}

// kQueries: dq of 64 queries. Else dk and dv of 64 keys. Block (tile, head and 64 of its D columns, b).
template <class A, bool kQueries>
DEVICE void plain_grad(A* dqkv, const A* qkv, const A* dy, const float* lse, const float* delta, int T, int padded,
                       int H, int D, int window, float scale, const DropoutMask& mask, float* shared) {
  const int h = blockIdx.y % H, d0 = blockIdx.y / H * kTile;
  const int r0 = (kQueries ? gridDim.x - 1 - blockIdx.x : blockIdx.x) * kTile;
  const int row = r0 + threadIdx.x / 16 * 4, x = threadIdx.x % 16;
  const i64 b = blockIdx.z, head = b * H + h, C = static_cast<i64>(H) * D;
  const A *q = qkv + b * T * 3 * C + h * D, *dy_head = dy + b * T * C + h * D;
  const A *k = q + C, *v = k + C;
  lse += head * T;
  delta += head * padded;
  float out_a[4][4], out_b[4][4];  // dq, or dk and dv
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) out_a[r][c] = out_b[r][c] = 0;
  }
  const int first = kQueries ? highest(0, r0 - window + 1) / kTile * kTile : r0;
  const int last = kQueries ? r0 : lowest(T - 1, r0 + kTile - 1 + window - 1);
  for (int c0 = first; c0 <= last; c0 += kTile) {
    float s[4][4], d[4][4];
    if (kQueries) {
      inner_products(s, q, 3 * C, r0, k, 3 * C, c0, T, D, shared);
      inner_products(d, dy_head, C, r0, v, 3 * C, c0, T, D, shared);
    } else {
      inner_products(s, k, 3 * C, r0, q, 3 * C, c0, T, D, shared);
      inner_products(d, v, 3 * C, r0, dy_head, C, c0, T, D, shared);
    }
    // i of the four by four whose keys are neighbours
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int query = kQueries ? row + i : c0 + x * 4 + i, key0 = kQueries ? c0 + x * 4 : row;
      const float shift = query < T ? lse[query] : 0, sum = query < T ? delta[query] : 0;
      float factor[4] = {1, 1, 1, 1};
      if (mask.threshold != 0) four_factors(factor, mask, (head * T + query) * T + key0);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int r = kQueries ? i : j, c = kQueries ? j : i;
        const bool seen = query < T && visible(query, key0 + j, window);
        const float probability = seen ? exp2_fast((s[r][c] * scale - shift) * kLog2E) : 0.0f;
        d[r][c] = probability * (d[r][c] * factor[j] - sum);
        s[r][c] = probability * factor[j];
      }
    }
    add_weighted(out_a, d, kQueries ? k : q, 3 * C, c0, T, d0, D, shared);
    if (!kQueries) add_weighted(out_b, s, dy_head, C, c0, T, d0, D, shared);
  }
  const float scales[4] = {scale, scale, scale, scale}, ones[4] = {1, 1, 1, 1};
  A* to = dqkv + b * T * 3 * C + h * D;
  write_tile(to + (kQueries ? 0 : C), 3 * C, out_a, scales, r0, T, d0, D);
  if (!kQueries) write_tile(to + 2 * C, 3 * C, out_b, ones, r0, T, d0, D);
}
}  // namespace attention

// ---- kernels

#define ATTENTION_TYPED(A, suffix)                                                                                    \
  KERNEL(256, attention_rows_##suffix, float* lse2, float* delta, const A* y, const A* dy, const float* lse, int T,   \
         int padded, int H, int D, int lanes) {                                                                       \
    attention::rows(lse2, delta, y, dy, lse, T, padded, H, D, lanes);                                                 \
  }                                                                                                                   \
  KERNEL(256, attention_forward_##suffix, A* y, float* lse, const A* qkv, int T, int H, int D, int window,            \
         float scale, DropoutMask mask) {                                                                             \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_forward(y, lse, qkv, T, H, D, window, scale, mask, shared);                                      \
  }                                                                                                                   \
  KERNEL(256, attention_grad_keys_##suffix, A* dqkv, const A* qkv, const A* dy, const float* lse, const float* delta, \
         int T, int padded, int H, int D, int window, float scale, DropoutMask mask) {                                \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_grad<A, false>(dqkv, qkv, dy, lse, delta, T, padded, H, D, window, scale, mask, shared);         \
  }                                                                                                                   \
  KERNEL(256, attention_grad_queries_##suffix, A* dqkv, const A* qkv, const A* dy, const float* lse,                  \
         const float* delta, int T, int padded, int H, int D, int window, float scale, DropoutMask mask) {            \
    KERNEL_SHARED(float, shared);                                                                                     \
    attention::plain_grad<A, true>(dqkv, qkv, dy, lse, delta, T, padded, H, D, window, scale, mask, shared);          \
  }
ATTENTION_TYPED(float, f32)
ATTENTION_TYPED(bf16, bf16)
#undef ATTENTION_TYPED
