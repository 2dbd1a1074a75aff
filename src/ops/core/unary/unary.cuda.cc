// Elementwise functions of one tensor on the GPU: unary.ts.
//
// in x (n); out y (n); attrs n
#include "../elementwise.h"

namespace gpt {

static void unary(const Call& call, const char* kernel) {
  const int64_t n = call.dim(0);
  const float* x = f32_in(call, 0, n);
  float* y = f32_out(call, 0, n);
  launch(kernel, elementwise_grid(blocks(n, 4)), kElementwiseThreads, 0, x, n, y);
}

#define GPT_UNARY(name, fn, doc)                                                 \
  static void unary_##fn(const Call& call) { unary(call, "unary_" #fn "_f32"); } \
  GPT_KERNEL(name, doc, "f", "f", unary_##fn)

GPT_UNARY("Abs", abs, "|x|");
GPT_UNARY("Erf", erf, "error function");
GPT_UNARY("Exp", exp, "e^x");
GPT_UNARY("Log", log, "natural logarithm");
GPT_UNARY("Neg", neg, "-x");
GPT_UNARY("Reciprocal", reciprocal, "1 / x");
GPT_UNARY("Relu", relu, "max(0, x)");
GPT_UNARY("Rsqrt", rsqrt, "1 / sqrt(x)");
GPT_UNARY("Sigmoid", sigmoid, "1 / (1 + e^-x)");
GPT_UNARY("Sqrt", sqrt, "square root");
GPT_UNARY("Square", square, "x^2");
GPT_UNARY("Tanh", tanh, "hyperbolic tangent");

}  // namespace gpt
