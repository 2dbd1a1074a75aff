// Products with few rows on the left: decoding, where every weight is read once for one to four tokens.
//
// The time is that of reading B from memory, so each thread reads long runs of it in order, and B is used as it is
// stored: no packing, no transposed copy. B is cut into kParts ranges of rows, whatever the number of threads; where
// they are ranges of K, the partial results are added from first to last.
#include <algorithm>

#include "gemm.h"
#include "scratch.h"

namespace gpt {

namespace {

constexpr int64_t kParts = 32;
constexpr int kStep = 4;          // rows of B read side by side
constexpr int64_t kAhead = 1024;  // elements: what is asked for early where B is read in one run

// y (M,N) += a (M, k0 .. k1) times rows k0 .. k1 of b
template <int M, class T>
void add_rows(int64_t N, const float* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t k0, int64_t k1,
              float* y) {
  int64_t k = k0;
  for (; k + kStep <= k1; k += kStep) {
    const T* bk = b + k * b_stride;
    int64_t j = 0;
    for (; j + kWidth <= N; j += kWidth) {
      // the rows after these: they are too short for the prefetching of the hardware to find its pace
#pragma GCC unroll 8
      for (int r = 0; r < kStep; r++) __builtin_prefetch(bk + (kStep + r) * b_stride + j);
      Vec v[kStep];
#pragma GCC unroll 8
      for (int r = 0; r < kStep; r++) v[r] = load(bk + r * b_stride + j);
#pragma GCC unroll 4
      for (int m = 0; m < M; m++) {
        const float* am = a + m * a_stride + k;
        Vec total = load(y + m * N + j);
#pragma GCC unroll 8
        for (int r = 0; r < kStep; r++) total += am[r] * v[r];
        store(y + m * N + j, total);
      }
    }
    for (; j < N; j++) {
      for (int m = 0; m < M; m++) {
        const float* am = a + m * a_stride + k;
        for (int r = 0; r < kStep; r++) y[m * N + j] += am[r] * element(bk + r * b_stride, j);
      }
    }
  }
  for (; k < k1; k++) {
    const T* bk = b + k * b_stride;
    for (int m = 0; m < M; m++) {
      const float am = a[m * a_stride + k];
#pragma omp simd
      for (int64_t j = 0; j < N; j++) y[m * N + j] += am * element(bk, j);
    }
  }
}

// Sum of the lanes, by halves.
float lane_sum(Vec v) {
  float lanes[kWidth];
  store(lanes, v);
  for (int half = kWidth / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

// c[m * c_stride] = a row m times the row b, for M rows. Several sums side by side: one would wait for each addition.
template <int M, class T>
void dot_rows(int64_t K, const float* a, int64_t a_stride, const T* b, float* c, int64_t c_stride) {
  constexpr int kSums = M == 1 ? 4 : 2;
  Vec acc[M][kSums] = {};
  int64_t k = 0;
  for (; k + kSums * kWidth <= K; k += kSums * kWidth) {
    for (int s = 0; s < kSums; s++) {
      __builtin_prefetch(b + k + s * kWidth + kAhead);
      const Vec v = load(b + k + s * kWidth);
#pragma GCC unroll 4
      for (int m = 0; m < M; m++) acc[m][s] += load(a + m * a_stride + k + s * kWidth) * v;
    }
  }
  for (; k + kWidth <= K; k += kWidth) {
    const Vec v = load(b + k);
    for (int m = 0; m < M; m++) acc[m][0] += load(a + m * a_stride + k) * v;
  }
  for (int m = 0; m < M; m++) {
    for (int s = 1; s < kSums; s++) acc[m][0] += acc[m][s];
    float total = lane_sum(acc[m][0]);
    for (int64_t i = k; i < K; i++) total = multiply_add(a[m * a_stride + i], element(b, i), total);
    c[m * c_stride] = total;
  }
}

template <int M, class T>
void multiply(int64_t N, int64_t K, Matrix a, const T* b, int64_t b_stride, bool transposed, float* c,
              int64_t c_stride) {
  if (transposed) {
#pragma omp parallel for schedule(static)
    for (int64_t part = 0; part < kParts; part++) {
      for (int64_t j = N * part / kParts; j < N * (part + 1) / kParts; j++)
        dot_rows<M>(K, a.data, a.stride, b + j * b_stride, c + j, c_stride);
    }
    return;
  }
  static thread_local Scratch scratch;  // products of a batch run side by side
  float* partial = scratch.floats(kParts * M * N);
#pragma omp parallel for schedule(static)
  for (int64_t part = 0; part < kParts; part++) {
    float* y = partial + part * M * N;
    std::fill_n(y, M * N, 0.0f);
    add_rows<M>(N, a.data, a.stride, b, b_stride, K * part / kParts, K * (part + 1) / kParts, y);
  }
  for (int64_t m = 0; m < M; m++) {
    float* to = c + m * c_stride;
    for (int64_t j0 = 0; j0 < N; j0 += 1024) {
      const int64_t j1 = std::min(N, j0 + 1024);
      std::fill(to + j0, to + j1, 0.0f);
      for (int64_t part = 0; part < kParts; part++) {
        const float* y = partial + (part * M + m) * N;
#pragma omp simd
        for (int64_t j = j0; j < j1; j++) to[j] += y[j];
      }
    }
  }
}

template <int M>
void multiply(int64_t N, int64_t K, Matrix a, StoredMatrix b, float* c, int64_t c_stride) {
  if (b.stored.bf16)
    multiply<M>(N, K, a, static_cast<const uint16_t*>(b.stored.data), b.stride, b.transposed, c, c_stride);
  else
    multiply<M>(N, K, a, static_cast<const float*>(b.stored.data), b.stride, b.transposed, c, c_stride);
}

}  // namespace

void few_rows(int64_t M, int64_t N, int64_t K, Matrix a, StoredMatrix b, float* c, int64_t c_stride) {
  switch (M) {
    case 1:
      return multiply<1>(N, K, a, b, c, c_stride);
    case 2:
      return multiply<2>(N, K, a, b, c, c_stride);
    case 3:
      return multiply<3>(N, K, a, b, c, c_stride);
    default:
      return multiply<4>(N, K, a, b, c, c_stride);
  }
}

}  // namespace gpt
