// Elementwise functions of two tensors with broadcasting on the CPU. List: binary.ts.
//
// in a, b; out c (size), float32 or for comparisons bytes 0 and 1; attrs size, then the dimensions of broadcast.h.
// The innermost dimension is a loop over contiguous or repeated elements: three forms, each vectorised.
#include "../../../backends/native/kernel.h"
#include "../blocks.h"
#include "../broadcast.h"

namespace gpt {

namespace {

template <class Out, class F>
inline void row(Out* c, const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t n, const F& f) {
  if (a_stride == 1 && b_stride == 1) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) c[i] = f(a[i], b[i]);
  } else if (a_stride == 1) {
    const float value = b[0];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) c[i] = f(a[i], value);
  } else {
    const float value = a[0];  // b's stride is 1, or n is
#pragma omp simd
    for (int64_t i = 0; i < n; i++) c[i] = f(value, b[i]);
  }
}

template <class Out, class F>
void combine(const Call& call, Out* c, const F& f) {
  const Broadcast shape(call, 1);
  const int inner = shape.n - 1;
  const int64_t n = shape.size[inner], a_stride = shape.a[inner], b_stride = shape.b[inner];
  const int64_t rows = shape.count(inner);
  const float *a = static_cast<const float*>(call.in[0].data), *b = static_cast<const float*>(call.in[1].data);
  if (n <= kBlock) {
    for_row_blocks(rows, n, [&](int64_t first, int64_t last) {
      shape.walk(inner, first, last,
                 [&](int64_t r, int64_t ia, int64_t ib) { row(c + r * n, a + ia, a_stride, b + ib, b_stride, n, f); });
    });
  } else {
    const int64_t blocks = (n + kBlock - 1) / kBlock;  // of a row
    for_row_blocks(rows * blocks, kBlock, [&](int64_t first, int64_t last) {
      for (int64_t task = first; task < last; task++) {
        const int64_t from = task % blocks * kBlock;
        shape.walk(inner, task / blocks, task / blocks + 1, [&](int64_t r, int64_t ia, int64_t ib) {
          row(c + r * n + from, a + ia + from * a_stride, a_stride, b + ib + from * b_stride, b_stride,
              std::min(n - from, kBlock), f);
        });
      }
    });
  }
}

// The largest offsets that the dimensions reach must lie inside the operands.
void check_operands(const Call& call) {
  const Broadcast shape(call, 1);
  int64_t a = 1, b = 1;
  for (int i = 0; i < shape.n; i++) {
    a += (shape.size[i] - 1) * shape.a[i];
    b += (shape.size[i] - 1) * shape.b[i];
  }
  f32_in(call, 0, a);
  f32_in(call, 1, b);
  GPT_CHECK(shape.n > 0 && shape.count(shape.n) == call.dim(0), "the dimensions do not give the size of the result");
}

template <class F>
void arithmetic(const Call& call, const F& f) {
  check_operands(call);
  combine(call, f32_out(call, 0, call.dim(0)), f);
}

template <class F>
void comparison(const Call& call, const F& f) {
  check_operands(call);
  const View& c = call.out.at(0);
  GPT_CHECK(c.dtype == DType::u8 && c.size >= call.dim(0), "the result is not stored as bytes");
  combine(call, static_cast<uint8_t*>(c.data), f);
}

}  // namespace

#define GPT_BINARY(name, fn, kind, doc, expression)          \
  static void fn(const Call& call) {                         \
    kind(call, [](float a, float b) { return expression; }); \
  }                                                          \
  GPT_KERNEL(name, doc, fn)

GPT_BINARY("Add", binary_add, arithmetic, "a + b", a + b);
GPT_BINARY("Sub", binary_sub, arithmetic, "a - b", a - b);
GPT_BINARY("Multiply", binary_multiply, arithmetic, "a b", (a * b));
GPT_BINARY("RealDiv", binary_divide, arithmetic, "a / b", a / b);
GPT_BINARY("Maximum", binary_maximum, arithmetic, "the larger of a and b", (a > b) | (a != a) ? a : b);
GPT_BINARY("Minimum", binary_minimum, arithmetic, "the smaller of a and b", (a < b) | (a != a) ? a : b);
GPT_BINARY("SquaredDifference", binary_squared_difference, arithmetic, "(a - b)^2", (a - b) * (a - b));
GPT_BINARY("Equal", binary_equal, comparison, "a = b", a == b);
GPT_BINARY("NotEqual", binary_not_equal, comparison, "a != b", a != b);
GPT_BINARY("Greater", binary_greater, comparison, "a > b", a > b);
GPT_BINARY("GreaterEqual", binary_greater_equal, comparison, "a >= b", a >= b);
GPT_BINARY("Less", binary_less, comparison, "a < b", a < b);
GPT_BINARY("LessEqual", binary_less_equal, comparison, "a <= b", a <= b);

// in tensors of n elements each; out their sum, added from first to last; attrs n
static void add_n(const Call& call) {
  const int64_t n = call.dim(0);
  for (size_t t = 0; t < call.in.size(); t++) f32_in(call, t, n);
  const float* first_in = f32_in(call, 0, n);
  float* y = f32_out(call, 0, n);
  for_blocks(n, [&](int64_t first, int64_t last) {
    std::copy(first_in + first, first_in + last, y + first);
    for (size_t t = 1; t < call.in.size(); t++) {
      const float* x = static_cast<const float*>(call.in[t].data);
#pragma omp simd
      for (int64_t i = first; i < last; i++) y[i] += x[i];
    }
  });
}
GPT_KERNEL("AddN", "sum of several tensors", add_n);

}  // namespace gpt
