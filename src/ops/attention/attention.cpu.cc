// Causal and banded self-attention on the CPU. Mathematics and shapes: attention.ts.
//
// One thread per (sequence, head). It takes kQueries positions at a time: copies their q, k, v into contiguous scratch,
// as they are or transposed, so that every product is a register tile without further packing, and computes their
// scores with all keys so far, while the next positions are fetched from memory. Each tile of rows has its own range of
// keys: memory and work follow the triangle or the band, never T x T. The backward pass recomputes the scores from the
// saved log-sum-exp.
#include <algorithm>
#include <cmath>

#include "../../backends/native/gemm.h"
#include "../../backends/native/kernel.h"
#include "../../backends/native/philox.h"
#include "../../backends/native/scratch.h"

namespace gpt {

namespace {

// Of a register tile. With AVX-512 two vectors of 12 rows would be as fast; 8 follow the triangle more closely.
constexpr int kRows = kWidth == 16 ? 8 : kWidth == 8 ? 6 : 4;
constexpr int64_t kCols = 2 * kWidth;
constexpr int64_t kQueries = 48;  // a multiple of every kRows and kWidth

int64_t round_down(int64_t n, int64_t to) { return n / to * to; }

struct Shape {
  int64_t B, T, H, D, window;  // query i sees keys (i - window, i]
  bool dropout;
  DropoutMask mask;

  explicit Shape(const Call& call)
      : B(call.dim(0)), T(call.dim(1)), H(call.dim(2)), D(call.dim(3)), window(call.dim(4)), dropout(call.flag(5)) {
    const auto u32 = [&](size_t i) { return static_cast<uint32_t>(call.attrs.at(i)); };
    if (dropout) mask = {u32(8), u32(9), u32(10), u32(11), u32(6), call.num(7)};
  }
  Shape(int64_t B, int64_t T, int64_t H, int64_t D, int64_t window)
      : B(B), T(T), H(H), D(D), window(window), dropout(false), mask{} {}
  int64_t C() const { return H * D; }
  int64_t padded_d() const { return round_up(D, kWidth); }
  int64_t padded_t() const { return round_up(T, 2 * kQueries); }  // whole blocks of queries, whole panels of keys
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(D)); }
  int64_t first_key(int64_t i) const { return std::max<int64_t>(0, i - window + 1); }
};

// C (kRows, N): N is a multiple of kWidth.
void tiles(int64_t N, int64_t K, const float* a, int64_t a_row, int64_t a_col, const float* b, int64_t b_row, float* c,
           int64_t c_row, bool accumulate) {
  int64_t j = 0;
  for (; j + kCols <= N; j += kCols)
    register_tile<kRows, 2>(K, a, a_row, a_col, b + j, b_row, c + j, c_row, accumulate);
  if (j < N) register_tile<kRows, 1>(K, a, a_row, a_col, b + j, b_row, c + j, c_row, accumulate);
}

// The first n lanes from p, zero in the others.
Vec load_part(const float* p, int64_t n) {
  Vec v = {};
  for (int64_t j = 0; j < n; j++) v[j] = p[j];
  return v;
}

// n rows of D floats, `stride` apart -> out (n, padded_d)
void gather(const Shape& s, int64_t n, const float* rows, int64_t stride, float* out) {
  const int64_t Dp = s.padded_d();
  for (int64_t t = 0; t < n; t++) {
    for (int64_t d = 0; d < Dp; d += kWidth) {
      const float* from = rows + t * stride + d;
      store(out + t * Dp + d, d + kWidth <= s.D ? load(from) : load_part(from, s.D - d));
    }
  }
}

// Asks for n vectors of D floats, C apart, that are needed soon. Those of the next position lie in another page, which
// the hardware does not foresee.
void prefetch(const Shape& s, const float* x, int n) {
  constexpr int64_t kLine = 16;
  for (; n > 0; n--, x += s.C()) {
    for (int64_t d = 0; d < s.D; d += kLine) __builtin_prefetch(x + d, 0, 2);
  }
}

// The way back: a row of D floats, times factor.
void put_row(const Shape& s, const float* row, float factor, float* to) {
  int64_t d = 0;
  for (; d + kWidth <= s.D; d += kWidth) store(to + d, load(row + d) * factor);
  for (; d < s.D; d++) to[d] = row[d] * factor;
}

// Keys or values transposed, as the products read them: panels of kCols rows, each (padded_d, kCols).
struct Panels {
  const Shape& s;
  float* data;

  float* at(int64_t t) const { return data + round_down(t, kCols) * s.padded_d() + t % kCols; }

  // Rows t0 .. t0 + n - 1, `stride` apart, times factor. After the last one, it is repeated up to a whole vector.
  void put(int64_t t0, int64_t n, const float* x, int64_t stride, float factor) const {
    for (int64_t t = 0; t < n; t += kWidth) {
      for (int64_t d = 0; d < s.D; d += kWidth) {
        Vec rows[kWidth];
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) {
          const float* from = x + std::min(t + i, n - 1) * stride + d;
          rows[i] = (d + kWidth <= s.D ? load(from) : load_part(from, s.D - d)) * factor;
        }
        transpose_square(rows);
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) store(at(t0 + t) + (d + i) * kCols, rows[i]);
      }
    }
  }
};

// Scores of up to kQueries queries from i0 on: row i - i0, column key - lo. Tile t of kRows rows has the keys
// from[t] .. to[t] - 1; nothing else of the block is ever written or read.
struct Block {
  static constexpr int kTiles = kQueries / kRows;
  const Shape& s;
  int64_t i0, i1, lo, hi = 0, stride;
  int tiles = 0;
  int64_t from[kTiles] = {}, to[kTiles] = {};

  Block(const Shape& s, int64_t first) : s(s), i0(first), i1(std::min(s.T, first + kQueries)) {
    for (int64_t i = i0; i < i1; i += kRows, tiles++) {
      // a tile of keys in add_transposed() is seen by whole tiles of queries
      from[tiles] = round_down(round_down(s.first_key(i), kRows), kWidth);
      to[tiles] = hi = round_up(std::min(s.T, i + kRows), kWidth);
    }
    lo = from[0];
    // never a power of two: rows of a tile must not share one set of the cache
    stride = round_up(hi - lo, kCols) + kWidth;
  }
  int64_t rows() const { return i1 - i0; }
  float* row(float* scores, int t, int64_t r) const { return scores + r * stride + from[t] - lo; }

  // out = a b^T for the keys of each tile: a (kQueries, Dp), b its rows of keys
  void product(const float* a, const Panels& b, float* out) const {
    const int64_t Dp = s.padded_d();
    for (int64_t panel = round_down(lo, kCols); panel < hi; panel += kCols) {
      for (int t = 0; t < tiles; t++) {
        const int64_t j0 = std::max(panel, from[t]), j1 = std::min(panel + kCols, to[t]);
        if (j0 >= j1) continue;
        gpt::tiles(j1 - j0, Dp, a + t * kRows * Dp, Dp, 1, b.at(j0), kCols, out + t * kRows * stride + j0 - lo, stride,
                   false);
      }
    }
  }
  // out (kQueries, Dp) = weights b: b (.., Dp) rows of keys
  void weighted_sum(const float* weights, const float* b, float* out) const {
    const int64_t Dp = s.padded_d();
    for (int64_t d = 0; d < Dp; d += kCols) {
      for (int t = 0; t < tiles; t++) {
        const int64_t first = s.first_key(i0 + t * kRows), last = std::min(i1, i0 + (t + 1) * kRows);
        gpt::tiles(std::min<int64_t>(kCols, Dp - d), last - first, weights + t * kRows * stride + first - lo, stride, 1,
                   b + first * Dp + d, Dp, out + t * kRows * Dp + d, Dp, false);
      }
    }
  }
  // out (.., Dp) rows of keys += weights^T b: b (kQueries, Dp). The block's own positions are new, and set.
  void add_transposed(const float* weights, const float* b, float* out) const {
    const int64_t Dp = s.padded_d();
    for (int64_t j = round_down(s.first_key(i0), kRows); j < i1; j += kRows) {
      const int64_t first = std::max(i0, j), last = std::min(i1 - j, s.window + kRows - 1) + j;
      gpt::tiles(Dp, last - first, weights + (first - i0) * stride + j - lo, 1, stride, b + (first - i0) * Dp, Dp,
                 out + j * Dp, Dp, j < i0);
    }
  }
};

// Hides from row, scores with the keys [lo, hi), those that query i does not see: their exponential is zero. They lie
// in the first and last vectors; all other loops run over whole rows.
void hide(const Shape& s, float* row, int64_t i, int64_t lo, int64_t hi) {
  const int window = static_cast<int>(std::min(s.window, s.T));
  const auto hide_in = [&](int64_t j) {
    const Lanes behind = static_cast<int>(i - j) - lanes(kLanes<0>.low);  // each key, in positions
    store(row + j - lo, (behind >= 0) & (behind < window) ? load(row + j - lo) : Vec{} - 1e30f);
  };
  for (int64_t j = lo; j < s.first_key(i); j += kWidth) hide_in(j);
  for (int64_t j = round_down(i + 1, kWidth); j < hi; j += kWidth) hide_in(j);
}

// Scores of a block's queries -> their exponentials under top, the largest of each row, and total, their sum.
// before(r) is called before row r is read, after(r, row, lo, keys) when its sum is known.
template <class Before, class After>
void exponentials(const Block& block, float* scores, float* top, float* total, Before before, After after) {
  for (int t = 0; t < block.tiles; t++) {
    const int64_t lo = block.from[t], keys = block.to[t] - lo, r1 = std::min<int64_t>(block.rows(), (t + 1) * kRows);
    for (int64_t r = t * kRows; r < r1; r++) {
      float* row = block.row(scores, t, r);
      hide(block.s, row, block.i0 + r, lo, block.to[t]);
      before(r);
      Vec largest = load(row);
      for (int64_t j = kWidth; j < keys; j += kWidth) largest = larger(largest, load(row + j));
      top[r] = max_lanes(largest)[0];
    }
    for (int64_t r = t * kRows; r < r1; r++) {
      float* row = block.row(scores, t, r);
      Vec sum = {};
      for (int64_t j = 0; j < keys; j += kWidth) {
        const Vec e = exp_below_one(load(row + j) - top[r]);
        store(row + j, e);
        sum += e;
      }
      total[r] = sum_lanes(sum)[0];
      after(r, row, lo, keys);
    }
  }
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
    const int64_t row_floats = Tp + kCols;
    float* v = scratch.floats(2 * Tp * Dp + kQueries * (row_floats + 2 * Dp) + Tp);
    const Panels kt = {s, v + Tp * Dp};
    float *scores = kt.data + Tp * Dp, *q = scores + kQueries * row_floats;
    float *out = q + kQueries * Dp, *factor = out + kQueries * Dp;
    for (int64_t i0 = 0; i0 < T; i0 += kQueries) {
      const Block block(s, i0);
      const int64_t n = block.rows();
      const float* rows = qkv + ((bh / s.H) * T + i0) * 3 * C + (bh % s.H) * D;
      float* y_rows = y + ((bh / s.H) * T + i0) * C + (bh % s.H) * D;
      gather(s, n, rows, 3 * C, q);
      gather(s, n, rows + 2 * C, 3 * C, v + i0 * Dp);
      kt.put(i0, n, rows + C, 3 * C, s.scale());
      block.product(q, kt, scores);
      float top[kQueries], total[kQueries];
      exponentials(
          block, scores, top, total,
          [&](int64_t r) {
            prefetch(s, y_rows + r * C, 1);
            if (i0 + r + kQueries < T) prefetch(s, rows + (r + kQueries) * 3 * C, 3);
          },
          [&](int64_t r, float* row, int64_t lo, int64_t keys) {
            if (!s.dropout) return;
            dropout_row(s, bh, i0 + r, lo, keys, factor);
            for (int64_t j = 0; j < keys; j++) row[j] *= factor[j];
          });
      for (int64_t r = 0; r < n; r++) lse[bh * T + i0 + r] = top[r] + std::log(total[r]);
      block.weighted_sum(scores, v, out);
      for (int64_t r = 0; r < n; r++) put_row(s, out + r * Dp, 1 / total[r], y_rows + r * C);
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
    const int64_t row_floats = Tp + kCols;
    float* k = scratch.floats(5 * Tp * Dp + kQueries * (2 * row_floats + 3 * Dp) + Tp);
    const Panels kt = {s, k + Tp * Dp}, vt = {s, kt.data + Tp * Dp};
    float *dk = vt.data + Tp * Dp, *dv = dk + Tp * Dp;
    float *p = dv + Tp * Dp, *dp = p + kQueries * row_floats;
    float *q = dp + kQueries * row_floats, *dout = q + kQueries * Dp, *dq = dout + kQueries * Dp;
    float* factor = dq + kQueries * Dp;
    const int64_t b = bh / s.H, h = bh % s.H;
    int64_t done = 0;  // keys that no further query sees
    for (int64_t i0 = 0; i0 < T; i0 += kQueries) {
      const Block block(s, i0);
      const int64_t n = block.rows();
      const float* rows = qkv + (b * T + i0) * 3 * C + h * D;
      const float *y_rows = y + (b * T + i0) * C + h * D, *dy_rows = dy + (b * T + i0) * C + h * D;
      float* dqkv_rows = dqkv + (b * T + i0) * 3 * C + h * D;
      gather(s, n, rows, 3 * C, q);
      gather(s, n, rows + C, 3 * C, k + i0 * Dp);
      gather(s, n, dy_rows, C, dout);
      kt.put(i0, n, rows + C, 3 * C, s.scale());
      vt.put(i0, n, rows + 2 * C, 3 * C, 1);
      block.product(q, kt, p);
      block.product(dout, vt, dp);
      for (int64_t r = 0; r < n; r++) {
        const int t = static_cast<int>(r / kRows);
        const int64_t lo = block.from[t], keys = block.to[t] - lo;
        float *pi = block.row(p, t, r), *dpi = block.row(dp, t, r);
        hide(s, pi, i0 + r, lo, block.to[t]);
        prefetch(s, dqkv_rows + r * 3 * C, 3);
        if (i0 + r + kQueries < T) {
          prefetch(s, rows + (r + kQueries) * 3 * C, 3);
          prefetch(s, y_rows + (r + kQueries) * C, 1);
          prefetch(s, dy_rows + (r + kQueries) * C, 1);
        }
        const float shift = lse[bh * T + i0 + r];
        // sum over keys of p * dp, which is dy . y (with dropout too)
        const float delta = dot(dout + r * Dp, y_rows + r * C, D);
        if (s.dropout) {  // p becomes what multiplied v; dp the gradient before dropout
          dropout_row(s, bh, i0 + r, lo, keys, factor);
          for (int64_t j = 0; j < keys; j += kWidth) {
            const Vec probability = exp_below_one(load(pi + j) - shift), kept = load(factor + j);
            store(dpi + j, probability * (load(dpi + j) * kept - delta));
            store(pi + j, probability * kept);
          }
        } else {
          for (int64_t j = 0; j < keys; j += kWidth) {
            const Vec probability = exp_below_one(load(pi + j) - shift);
            store(pi + j, probability);
            store(dpi + j, probability * (load(dpi + j) - delta));
          }
        }
      }
      block.add_transposed(p, dout, dv);
      block.add_transposed(dp, q, dk);
      block.weighted_sum(dp, k, dq);
      for (int64_t r = 0; r < n; r++) put_row(s, dq + r * Dp, s.scale(), dqkv_rows + r * 3 * C);
      for (const int64_t seen = i0 + n < T ? s.first_key(i0 + n) : T; done < seen; done++) {
        float* to = dqkv + (b * T + done) * 3 * C + h * D;
        put_row(s, dk + done * Dp, s.scale(), to + C);
        put_row(s, dv + done * Dp, 1, to + 2 * C);
      }
    }
  }
}
GPT_KERNEL("GptAttentionGrad", "gradient of GptAttention", attention_grad);

// Many queries on a cache: in blocks, as above, after a copy of all keys and values, which T of s counts.
// qkv (B,T-past,3C), keys and values (B,P,C) -> y (B,T-past,C)
static void attend_in_blocks(const Shape& s, int64_t past, int64_t P, const float* qkv, const float* keys,
                             const float* values, float* y) {
  const int64_t D = s.D, C = s.C(), Dp = s.padded_d(), Tp = s.padded_t(), fresh = s.T - past;
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < s.B * s.H; bh++) {
    static thread_local Scratch scratch;
    const int64_t b = bh / s.H, h = bh % s.H;
    float* v = scratch.floats(2 * Tp * Dp + kQueries * (Tp + kCols + 2 * Dp));
    const Panels kt = {s, v + Tp * Dp};
    float *scores = kt.data + Tp * Dp, *q = scores + kQueries * (Tp + kCols), *out = q + kQueries * Dp;
    gather(s, s.T, values + b * P * C + h * D, C, v);
    kt.put(0, s.T, keys + b * P * C + h * D, C, s.scale());
    for (int64_t i0 = past; i0 < s.T; i0 += kQueries) {
      const Block block(s, i0);
      gather(s, block.rows(), qkv + (b * fresh + i0 - past) * 3 * C + h * D, 3 * C, q);
      block.product(q, kt, scores);
      float top[kQueries], total[kQueries];
      exponentials(
          block, scores, top, total, [](int64_t) {}, [](int64_t, float*, int64_t, int64_t) {});
      block.weighted_sum(scores, v, out);
      for (int64_t r = 0; r < block.rows(); r++)
        put_row(s, out + r * Dp, 1 / total[r], y + (b * fresh + i0 - past + r) * C + h * D);
    }
  }
}

// Few queries on a cache, of which the first `past` positions are old: one thread per (query, head). Shapes as above.
static void attend_by_query(const Shape& s, int64_t past, int64_t P, const float* qkv, const float* keys,
                            const float* values, float* y) {
  const int64_t H = s.H, D = s.D, C = s.C(), T = s.T - past;
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t n = 0; n < s.B * T; n++) {
    for (int64_t h = 0; h < H; h++) {
      static thread_local Scratch scratch;
      const int64_t b = n / T, i = past + n % T, j0 = s.first_key(i), count = i + 1 - j0;
      float* score = scratch.floats(count);
      const float* q = qkv + n * 3 * C + h * D;
      const float* k = keys + (b * P + j0) * C + h * D;
      for (int64_t j = 0; j < count; j++) score[j] = dot(q, k + j * C, D) * s.scale();
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

// in qkv (B,T,3C); out y (B,T,C), and cache (2,B,P,C), which a piece's keys and values enter behind its `past`
// positions attrs B, T, H, D, window, P, and past and length of each piece; several only where B = 1
static void attention_cached(const Call& call) {
  const int64_t B = call.dim(0), T = call.dim(1), H = call.dim(2), D = call.dim(3), window = call.dim(4);
  const int64_t P = call.dim(5), C = H * D;
  const float* qkv = f32_in(call, 0, B * T * 3 * C);
  float *y = f32_out(call, 0, B * T * C), *keys = f32_out(call, 1, 2 * B * P * C), *values = keys + B * P * C;
  for (size_t a = 6; a < call.attrs.size(); a += 2) {
    const int64_t past = call.dim(a), length = call.dim(a + 1);
    GPT_CHECK(past + length <= P, "the key-value cache is full");
    for (int64_t n = 0; n < B * length; n++) {
      const int64_t row = (n / length) * P + past + n % length;
      std::copy_n(qkv + n * 3 * C + C, C, keys + row * C);
      std::copy_n(qkv + n * 3 * C + 2 * C, C, values + row * C);
    }
    const Shape s(B, past + length, H, D, window);
    (length >= kRows ? attend_in_blocks : attend_by_query)(s, past, P, qkv, keys, values, y);
    qkv += length * 3 * C;
    y += length * C;
  }
}
GPT_KERNEL("GptAttentionCached", "attention of new tokens on a key-value cache", attention_cached);

}  // namespace gpt
