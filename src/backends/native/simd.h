// Vector type of the instruction set that this file is compiled for, and elementary functions written so that the
// compiler vectorises loops over them (`#pragma omp simd`). Errors are against float64, measured in
// test/ops/elementary.test.ts.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace gpt {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;  // SSE2, NEON
#endif
typedef float Vec __attribute__((vector_size(kWidth * 4)));
typedef float UnalignedVec __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));

inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }  // b if one is NaN

// Unsigned, since arithmetic on the bits of a NaN must wrap: a signed overflow is undefined.
inline float bits_to_float(uint32_t i) {
  float f;
  std::memcpy(&f, &i, 4);
  return f;
}
inline uint32_t float_to_bits(float f) {
  uint32_t i;
  std::memcpy(&i, &f, 4);
  return i;
}

// Lanes that a shuffle takes from two vectors. Tables, since the compiler leaves a loop that fills a vector as it is.
typedef int32_t Lanes __attribute__((vector_size(kWidth * 4)));
struct LaneTable {
  alignas(Lanes) int32_t low[kWidth] = {}, high[kWidth] = {}, across[kWidth] = {};
  explicit constexpr LaneTable(int s) {
    for (int j = 0; j < kWidth; j++) {
      low[j] = (j & s) == 0 ? j : kWidth + j - s;
      high[j] = (j & s) == 0 ? j + s : kWidth + j;
      across[j] = j ^ s;
    }
  }
};
template <int S>
constexpr LaneTable kLanes{S};
inline const Lanes& lanes(const int32_t (&table)[kWidth]) { return *reinterpret_cast<const Lanes*>(table); }

// The lanes of (a, b) that the table `Lane` of kLanes<S> names. Clang takes constants only, and GCC before 12 a vector.
#if defined(__clang__)
template <int S, auto Lane, size_t... I>
inline Vec shuffle_by_constants(Vec a, Vec b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, (kLanes<S>.*Lane)[I]...);
}
#endif
template <int S, auto Lane>
inline Vec shuffle(Vec a, Vec b) {
#if defined(__clang__)
  return shuffle_by_constants<S, Lane>(a, b, std::make_index_sequence<kWidth>{});
#else
  return __builtin_shuffle(a, b, lanes(kLanes<S>.*Lane));
#endif
}

// Rows to columns: exchanges, for each power of two S, the lanes that differ in S between the rows that differ in S.
template <int S = 1>
inline void transpose_square(Vec (&rows)[kWidth]) {
  if constexpr (S < kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) {
      if ((i & S) != 0) continue;
      const Vec a = rows[i], b = rows[i + S];
      rows[i] = shuffle<S, &LaneTable::low>(a, b);
      rows[i + S] = shuffle<S, &LaneTable::high>(a, b);
    }
    transpose_square<2 * S>(rows);
  }
}

// A bfloat16 is the upper half of a float32.
inline float bf16_to_float(uint16_t half) { return bits_to_float(static_cast<uint32_t>(half) << 16); }
// Rounded to nearest, ties to even; NaN stays NaN.
inline uint16_t float_to_bf16(float f) {
  const uint32_t bits = float_to_bits(f);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, nan = bits >> 16 | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}
inline Vec load(const uint16_t* p) {
  typedef uint16_t Halves __attribute__((vector_size(kWidth * 2), aligned(2), may_alias));
  typedef uint32_t Bits __attribute__((vector_size(kWidth * 4)));
  return reinterpret_cast<Vec>(__builtin_convertvector(*reinterpret_cast<const Halves*>(p), Bits) << 16);
}
inline float element(const float* p, int64_t i) { return p[i]; }
inline float element(const uint16_t* p, int64_t i) { return bf16_to_float(p[i]); }

// e^x = p 2^n for |x| < 89:  x = n ln 2 + r, |r| <= ln2 / 2;  p = e^r by its Taylor polynomial of degree 7
struct Exponential {
  float p;
  uint32_t n;  // two's complement
};
inline Exponential exponential(float x) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer that sits in the low mantissa bits
  const float shifted = x * 1.44269504f + magic;
  const float n = shifted - magic;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return {p, float_to_bits(shifted) - float_to_bits(magic)};
}

// e^x to 2 ulp for x in [-87, 88]; 0 below, infinity above 88.72, NaN stays NaN.
inline float fast_exp(float x) {
  const Exponential e = exponential(x < -87.0f ? -87.0f : (x > 88.722839f ? 88.722839f : x));
  // 2^n in two halves: n may be 128, which one float exponent cannot hold
  const uint32_t half = static_cast<int32_t>(e.n) >> 1;
  const float result = e.p * bits_to_float((half + 127) << 23) * bits_to_float((e.n - half + 127) << 23);
  const float low = x < -87.0f ? 0.0f : result;
  return x > 88.722839f ? INFINITY : (x != x ? x : low);
}

// e^x to 2 ulp for x <= 0 (and a little above, where rounding made it so); 0 below -87.7. As exponential(), with fewer
// instructions: a polynomial fitted to |r| <= ln2 / 2 (to 3e-9) is one degree lower than Taylor's, and `magic` leaves
// n + 127 in the low bits, the exponent of 2^n.
inline Vec exp_below_one(Vec x) {
  typedef uint32_t Bits __attribute__((vector_size(kWidth * 4)));
  const float magic = 12582912.0f + 127;
  x = larger(Vec{} - 88.02f, x);  // n = -127, whose bits make 2^n zero
  const Vec shifted = x * 1.44269504f + magic, n = shifted - magic;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = r * 1.3814599e-3f + 8.368717e-3f;
  p = p * r + 4.166839e-2f;
  p = p * r + 0.16666521f;
  p = p * r + 0.49999994f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * reinterpret_cast<Vec>(reinterpret_cast<Bits>(shifted) << 23);
}

// 1 / (1 + e^-x)
inline float sigmoid(float x) { return 1.0f / (1.0f + fast_exp(-x)); }

// Error function to 3e-7 absolute: a rational minimax approximation on [-4, 4], +-1 outside.
inline float fast_erf(float x) {
  x = x < -4.0f ? -4.0f : (x > 4.0f ? 4.0f : x);
  const float x2 = x * x;
  float p = -2.72614225801306e-10f;
  p = p * x2 + 2.77068142495902e-08f;
  p = p * x2 + -2.10102402082508e-06f;
  p = p * x2 + -5.69250639462346e-05f;
  p = p * x2 + -7.34990630326855e-04f;
  p = p * x2 + -2.95459980854025e-03f;
  p = p * x2 + -1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * x2 + -2.13374055278905e-04f;
  q = q * x2 + -1.68282697438203e-03f;
  q = q * x2 + -7.37332916720468e-03f;
  q = q * x2 + -1.42647390514189e-02f;
  return x * p / q;
}

// a b + c, rounded once where the instruction set can: left to itself, the compiler decides loop by loop.
inline float multiply_add(float a, float b, float c) {
#if defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

// Sum of n floats in a fixed order: kWidth partial sums, then those from left to right.
inline float sum(const float* x, int64_t n) {
  Vec acc = {};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) acc += load(x + i);
  float total = 0;
  for (int k = 0; k < kWidth; k++) total += acc[k];
  for (; i < n; i++) total += x[i];
  return total;
}

// Dot product in the same fixed order.
inline float dot(const float* x, const float* y, int64_t n) {
  Vec acc = {};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) acc += load(x + i) * load(y + i);
  float total = 0;
  for (int k = 0; k < kWidth; k++) total += acc[k];
  for (; i < n; i++) total += x[i] * y[i];
  return total;
}

// Largest of n floats, n >= 1.
inline float max(const float* x, int64_t n) {
  float m = x[0];
  int64_t i = 0;
  if (n >= kWidth) {
    Vec acc = load(x);
    for (i = kWidth; i + kWidth <= n; i += kWidth) {
      const Vec v = load(x + i);
      acc = v > acc ? v : acc;
    }
    m = acc[0];
    for (int k = 1; k < kWidth; k++) m = acc[k] > m ? acc[k] : m;
  }
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

// The largest of all lanes, and their sum, in every lane.
template <int S = 1>
inline Vec max_lanes(Vec v) {
  if constexpr (S < kWidth) return max_lanes<2 * S>(larger(v, shuffle<S, &LaneTable::across>(v, v)));
  return v;
}
template <int S = 1>
inline Vec sum_lanes(Vec v) {
  if constexpr (S < kWidth) return sum_lanes<2 * S>(v + shuffle<S, &LaneTable::across>(v, v));
  return v;
}

}  // namespace gpt
