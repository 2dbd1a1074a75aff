// Causal and banded self-attention on the CPU. Mathematics and shapes: attention.ts.
//
// One thread per (sequence, head). Its q, k, v (T,D) are copied into contiguous, zero-padded scratch, k and v also
// transposed, so that every product is the register tile of gemm.h without further packing. Scores exist for kQueries
// rows at a time, and each tile of rows has its own range of keys: memory and work follow the triangle or the band,
// never T x T. The backward pass recomputes them from the saved log-sum-exp.
#include <algorithm>
#include <cmath>

#include "../../backends/native/gemm.h"
#include "../../backends/native/kernel.h"
#include "../../backends/native/philox.h"
#include "../../backends/native/scratch.h"

namespace gpt {

namespace {

constexpr int64_t kQueries = 48;  // a multiple of every kTileRows

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

struct Shape {
  int64_t B, T, H, D, window;  // query i sees keys (i - window, i]
  bool dropout;
  DropoutMask mask;

  explicit Shape(const Call& call)
      : B(call.dim(0)), T(call.dim(1)), H(call.dim(2)), D(call.dim(3)), window(call.dim(4)), dropout(call.flag(5)) {
    const auto u32 = [&](size_t i) { return static_cast<uint32_t>(call.attrs.at(i)); };
    if (dropout) mask = {u32(8), u32(9), u32(10), u32(11), u32(6), call.num(7)};
  }
  int64_t C() const { return H * D; }
  int64_t padded_d() const { return round_up(D, kTileCols); }
  int64_t padded_t() const { return round_up(T, kTileCols) + kQueries; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(D)); }
  // first and last + 1 of the keys that the queries [i0, i1) see, rounded outwards to whole tiles
  int64_t first_key(int64_t i0) const { return std::max<int64_t>(0, i0 - window + 1) / kTileCols * kTileCols; }
  int64_t last_key(int64_t i1) const { return round_up(i1, kTileCols); }
};

// rows (T, stride) -> out (padded_t, padded_d), zero-padded, times factor
void gather(const Shape& s, const float* rows, int64_t stride, float factor, float* out) {
  const int64_t Dp = s.padded_d();
  for (int64_t t = 0; t < s.T; t++) {
    for (int64_t d = 0; d < s.D; d++) out[t * Dp + d] = rows[t * stride + d] * factor;
    std::fill_n(out + t * Dp + s.D, Dp - s.D, 0.0f);
  }
  std::fill_n(out + s.T * Dp, (s.padded_t() - s.T) * Dp, 0.0f);
}

// x (padded_t, padded_d) -> out (padded_d, padded_t), in squares of one vector's width: both are multiples of it
void transpose(const Shape& s, const float* x, float* out) {
  const int64_t Dp = s.padded_d(), Tp = s.padded_t();
  for (int64_t t = 0; t < Tp; t += kWidth) {
    for (int64_t d = 0; d < Dp; d += kWidth) {
      Vec rows[kWidth];
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; i++) rows[i] = load(x + (t + i) * Dp + d);
      transpose_square(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; i++) store(out + (d + i) * Tp + t, rows[i]);
    }
  }
}

// Scores of up to kQueries queries from i0 on: row i - i0, column key - lo. Tile t of kTileRows rows has the keys
// from[t] .. to[t] - 1; nothing else of the block is ever written or read.
struct Block {
  static constexpr int kTiles = kQueries / kTileRows;
  int64_t i0, i1, lo = 0, hi = 0, stride = 0;
  int tiles = 0;
  int64_t from[kTiles] = {}, to[kTiles] = {};

  Block(const Shape& s, int64_t first) : i0(first), i1(std::min(s.T, first + kQueries)) {
    for (int64_t i = i0; i < i1; i += kTileRows, tiles++) {
      from[tiles] = s.first_key(i);
      to[tiles] = hi = s.last_key(std::min(s.T, i + kTileRows));
    }
    lo = from[0];
    stride = hi - lo + kWidth;  // never a power of two: rows of a tile must not share one set of the cache
  }
  int tile_of(int64_t i) const { return static_cast<int>((i - i0) / kTileRows); }

  // out = a b^T for the keys of each tile: a (.., Dp) rows from i0 on, bt (Dp, Tp)
  void product(const Shape& s, const float* a, const float* bt, float* out) const {
    const int64_t Dp = s.padded_d(), Tp = s.padded_t();
    for (int64_t j = lo; j < hi; j += kTileCols) {
      for (int t = 0; t < tiles; t++) {
        if (j < from[t] || j >= to[t]) continue;
        register_tile<kTileRows>(Dp, a + (i0 + t * kTileRows) * Dp, Dp, 1, bt + j, Tp,
                                 out + t * kTileRows * stride + j - lo, stride, false);
      }
    }
  }
  // out (kQueries, Dp) = weights b: b (.., Dp) rows of keys
  void weighted_sum(const Shape& s, const float* weights, const float* b, float* out) const {
    const int64_t Dp = s.padded_d();
    for (int64_t d = 0; d < Dp; d += kTileCols) {
      for (int t = 0; t < tiles; t++) {
        register_tile<kTileRows>(to[t] - from[t], weights + t * kTileRows * stride + from[t] - lo, stride, 1,
                                 b + from[t] * Dp + d, Dp, out + t * kTileRows * Dp + d, Dp, false);
      }
    }
  }
  // out (.., Dp) rows of keys += weights^T b: b (.., Dp) rows from i0 on
  void add_transposed(const Shape& s, const float* weights, const float* b, float* out) const {
    const int64_t Dp = s.padded_d();
    int first = 0, last = 0;  // tiles that see the keys at j
    for (int64_t j = lo; j < hi; j += kTileCols) {
      while (to[first] <= j) first++;
      while (last < tiles && from[last] <= j) last++;
      small_gemm(kTileCols, Dp, (last - first) * kTileRows, weights + first * kTileRows * stride + j - lo, 1, stride,
                 b + (i0 + first * kTileRows) * Dp, Dp, out + j * Dp, Dp, true);
    }
  }
};

constexpr float kHidden = -1e30f;  // a score whose exponential is zero

// Hides the keys of row[0, keys) = keys [lo, lo + keys) that query i does not see. All loops then run over whole rows,
// a multiple of the vector width: a ragged end would cost more than the hidden keys do.
void hide(const Shape& s, float* row, int64_t i, int64_t lo, int64_t keys) {
  const int64_t first = std::max<int64_t>(0, i - s.window + 1) - lo, last = i + 1 - lo;
  std::fill(row, row + std::max<int64_t>(0, first), kHidden);
  std::fill(row + last, row + keys, kHidden);
}

// Dropout factors of query i's probabilities for keys [lo, lo + keys).
void dropout_row(const Shape& s, int64_t head, int64_t i, int64_t lo, int64_t keys, float* factor) {
  s.mask.fill(factor, (head * s.T + i) * s.T + lo, keys);
}

}  // namespace

// in qkv (B,T,3C); out y (B,T,C), lse (B,H,T); attrs B, T, H, D, window, dropout?, threshold, scale, step, site, keys
static void attention(const Call& call) {
  const Shape s(call);
  const int64_t T = s.T, D = s.D, C = s.C(), Dp = s.padded_d(), Tp = s.padded_t();
  const float* qkv = f32_in(call, 0, s.B * T * 3 * C);
  float *y = f32_out(call, 0, s.B * T * C), *lse = f32_out(call, 1, s.B * s.H * T);
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < s.B * s.H; bh++) {
    static thread_local Scratch scratch;
    const int64_t row_floats = Tp + kWidth;
    float* q = scratch.floats(4 * Tp * Dp + kQueries * (row_floats + Dp) + Tp);
    float *k = q + Tp * Dp, *v = k + Tp * Dp, *kt = v + Tp * Dp;
    float *scores = kt + Tp * Dp, *out = scores + kQueries * row_floats, *factor = out + kQueries * Dp;
    const float* head = qkv + (bh / s.H) * T * 3 * C + (bh % s.H) * D;
    gather(s, head, 3 * C, s.scale(), q);
    gather(s, head + C, 3 * C, 1, k);
    gather(s, head + 2 * C, 3 * C, 1, v);
    transpose(s, k, kt);
    for (int64_t i0 = 0; i0 < T; i0 += kQueries) {
      const Block block(s, i0);
      float inverse[kQueries];
      block.product(s, q, kt, scores);
      for (int64_t i = i0; i < block.i1; i++) {
        const int t = block.tile_of(i);
        const int64_t lo = block.from[t], keys = block.to[t] - lo;
        float* row = scores + (i - i0) * block.stride + lo - block.lo;
        hide(s, row, i, lo, keys);
        const float top = max(row, keys);
        float total = 0;
#pragma omp simd reduction(+ : total)
        for (int64_t j = 0; j < keys; j++) {
          row[j] = exp_below_one(row[j] - top);
          total += row[j];
        }
        lse[bh * T + i] = top + std::log(total);
        inverse[i - i0] = 1 / total;
        if (s.dropout) {
          dropout_row(s, bh, i, lo, keys, factor);
          for (int64_t j = 0; j < keys; j++) row[j] *= factor[j];
        }
      }
      block.weighted_sum(s, scores, v, out);
      for (int64_t i = i0; i < block.i1; i++) {
        const float* from = out + (i - i0) * Dp;
        float* to = y + ((bh / s.H) * T + i) * C + (bh % s.H) * D;
        for (int64_t d = 0; d < D; d++) to[d] = from[d] * inverse[i - i0];
      }
    }
  }
}
GPT_KERNEL("GptAttention", "causal or banded softmax attention, blockwise", attention);

// in qkv (B,T,3C), y (B,T,C), lse (B,H,T), dy (B,T,C); out dqkv (B,T,3C); attrs as GptAttention
static void attention_grad(const Call& call) {
  const Shape s(call);
  const int64_t T = s.T, D = s.D, C = s.C(), Dp = s.padded_d(), Tp = s.padded_t();
  const float *qkv = f32_in(call, 0, s.B * T * 3 * C), *y = f32_in(call, 1, s.B * T * C);
  const float *lse = f32_in(call, 2, s.B * s.H * T), *dy = f32_in(call, 3, s.B * T * C);
  float* dqkv = f32_out(call, 0, s.B * T * 3 * C);
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < s.B * s.H; bh++) {
    static thread_local Scratch scratch;
    const int64_t row_floats = Tp + kWidth;
    float* q = scratch.floats(8 * Tp * Dp + kQueries * (2 * row_floats + Dp) + Tp);
    float *k = q + Tp * Dp, *kt = k + Tp * Dp, *v = kt + Tp * Dp, *vt = v + Tp * Dp, *dout = vt + Tp * Dp;
    float *dk = dout + Tp * Dp, *dv = dk + Tp * Dp, *dq = dv + Tp * Dp;
    float *p = dq + kQueries * Dp, *dp = p + kQueries * row_floats, *factor = dp + kQueries * row_floats;
    const int64_t b = bh / s.H, h = bh % s.H;
    const float* head = qkv + b * T * 3 * C + h * D;
    gather(s, head, 3 * C, s.scale(), q);
    gather(s, head + C, 3 * C, 1, k);
    gather(s, head + 2 * C, 3 * C, 1, v);
    gather(s, dy + b * T * C + h * D, C, 1, dout);
    transpose(s, k, kt);
    transpose(s, v, vt);
    std::fill_n(dk, 2 * Tp * Dp, 0.0f);
    for (int64_t i0 = 0; i0 < T; i0 += kQueries) {
      const Block block(s, i0);
      block.product(s, q, kt, p);
      block.product(s, dout, vt, dp);
      for (int64_t i = i0; i < i0 + block.tiles * kTileRows; i++) {
        const int t = block.tile_of(i);
        const int64_t lo = block.from[t], keys = block.to[t] - lo, at = (i - i0) * block.stride + lo - block.lo;
        float *pi = p + at, *dpi = dp + at;
        if (i >= T) {  // padding
          std::fill_n(pi, keys, 0.0f);
          std::fill_n(dpi, keys, 0.0f);
          continue;
        }
        hide(s, pi, i, lo, keys);
        const float shift = lse[bh * T + i];
        // sum over keys of p * dp, which is dy . y (with dropout too)
        const float delta = dot(dy + (b * T + i) * C + h * D, y + (b * T + i) * C + h * D, D);
        if (s.dropout) {  // p becomes what multiplied v; dp the gradient before dropout
          dropout_row(s, bh, i, lo, keys, factor);
#pragma omp simd
          for (int64_t j = 0; j < keys; j++) {
            const float probability = exp_below_one(pi[j] - shift);
            dpi[j] = probability * (dpi[j] * factor[j] - delta);
            pi[j] = probability * factor[j];
          }
        } else {
#pragma omp simd
          for (int64_t j = 0; j < keys; j++) {
            pi[j] = exp_below_one(pi[j] - shift);
            dpi[j] = pi[j] * (dpi[j] - delta);
          }
        }
      }
      block.add_transposed(s, p, dout, dv);
      block.add_transposed(s, dp, q, dk);
      block.weighted_sum(s, dp, k, dq);
      for (int64_t i = i0; i < block.i1; i++) {
        float* to = dqkv + (b * T + i) * 3 * C + h * D;
        for (int64_t d = 0; d < D; d++) to[d] = dq[(i - i0) * Dp + d] * s.scale();
      }
    }
    for (int64_t t = 0; t < T; t++) {
      float* to = dqkv + (b * T + t) * 3 * C + h * D;
      std::copy_n(dk + t * Dp, D, to + C);
      std::copy_n(dv + t * Dp, D, to + 2 * C);
    }
  }
}
GPT_KERNEL("GptAttentionGrad", "gradient of GptAttention", attention_grad);

// Decoding with a key-value cache: T new queries after `past` cached keys.
// in qkv (B,T,3C); out y (B,T,C), and cache (2,B,P,C) whose positions [past, past + T) are written
// attrs B, T, H, D, window, past, P
static void attention_cached(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), H = call.dim(2), D = call.dim(3), window = call.dim(4);
  const int64_t past = call.dim(5), P = call.dim(6), C = H * D;
  GPT_CHECK(past + T <= P, "the key-value cache is full");
  const float* qkv = f32_in(call, 0, B * T * 3 * C);
  float *y = f32_out(call, 0, B * T * C), *keys = f32_out(call, 1, 2 * B * P * C), *values = keys + B * P * C;
  for (int64_t n = 0; n < B * T; n++) {
    const int64_t row = (n / T) * P + past + n % T;
    std::copy_n(qkv + n * 3 * C + C, C, keys + row * C);
    std::copy_n(qkv + n * 3 * C + 2 * C, C, values + row * C);
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t n = 0; n < B * T; n++) {
    for (int64_t h = 0; h < H; h++) {
      static thread_local Scratch scratch;
      const int64_t b = n / T, i = past + n % T, j0 = std::max<int64_t>(0, i - window + 1), count = i + 1 - j0;
      float* score = scratch.floats(count);
      const float* q = qkv + n * 3 * C + h * D;
      const float* k = keys + (b * P + j0) * C + h * D;
      for (int64_t j = 0; j < count; j++) score[j] = dot(q, k + j * C, D) * scale;
      const float top = max(score, count);
      float total = 0;
      for (int64_t j = 0; j < count; j++) total += score[j] = fast_exp(score[j] - top);
      float* out = y + n * C + h * D;
      std::fill_n(out, D, 0.0f);
      const float* v = values + (b * P + j0) * C + h * D;
      for (int64_t j = 0; j < count; j++) {
        const float weight = score[j] / total;
#pragma omp simd
        for (int64_t d = 0; d < D; d++) out[d] += weight * v[j * C + d];
      }
    }
  }
}
GPT_KERNEL("GptAttentionCached", "attention of new tokens on a key-value cache", attention_cached);

}  // namespace gpt
