// Elementwise functions of two tensors with broadcasting on the GPU: binary.ts.
//
// in a, b; out c (size), float32 or for comparisons bytes 0 and 1; attrs size, then the dimensions of broadcast.h.
// Add, Multiply and AddN take activations as they are stored.
#include "../broadcast.h"
#include "../elementwise.h"
#include "../strides.h"

namespace gpt {

namespace {

void binary(const Call& call, const std::string& kernel) {
  const int64_t size = call.dim(0);
  const Broadcast dims(call, 1);
  GPT_CHECK(dims.n > 0 && dims.count(dims.n) == size, "the dimensions do not give the size of the result");
  Strides shape = {};
  int64_t a_size = 1, b_size = 1;
  for (int i = 0; i < dims.n; i++) {
    shape.size[i] = dims.size[i];
    a_size += (dims.size[i] - 1) * (shape.a[i] = dims.a[i]);
    b_size += (dims.size[i] - 1) * (shape.b[i] = dims.b[i]);
  }
  GPT_CHECK(dims.a[dims.n - 1] <= 1 && dims.b[dims.n - 1] <= 1, "the innermost dimension is not contiguous");
  shape.n = dims.n;
  shape.narrow = size < (int64_t{1} << 31);
  const void *a = tensor_in(call, 0, a_size), *b = tensor_in(call, 1, b_size);
  void* c = tensor_out(call, 0, size);
  // rows of whole packs start at multiples of 16 bytes in each operand that has them
  const int64_t per_pack = 16 / bytes_of(call.in[0].dtype);
  const bool whole = dims.n == 1 || dims.size[dims.n - 1] % per_pack == 0;
  const int64_t packs = whole ? size / per_pack : 0;
  const Grid grid = elementwise_grid(std::max(packs, size - packs * per_pack));
  launch(kernel, grid, kElementwiseThreads, 0, a, b, shape, size, packs, c);
}

}  // namespace

#define GPT_BINARY(name, fn, doc, inputs, outputs)                                                    \
  static void binary_##fn(const Call& call) { binary(call, typed("binary_" #fn, call.in[0].dtype)); } \
  GPT_KERNEL(name, doc, inputs, outputs, binary_##fn)

GPT_BINARY("Add", add, "a + b", "aa", "a");
GPT_BINARY("Sub", subtract, "a - b", "ff", "f");
GPT_BINARY("Multiply", multiply, "a b", "aa", "a");
GPT_BINARY("RealDiv", divide, "a / b", "ff", "f");
GPT_BINARY("Maximum", maximum, "the larger of a and b", "ff", "f");
GPT_BINARY("Minimum", minimum, "the smaller of a and b", "ff", "f");
GPT_BINARY("SquaredDifference", squared_difference, "(a - b)^2", "ff", "f");
GPT_BINARY("Equal", equal, "a = b", "ff", "u");
GPT_BINARY("NotEqual", not_equal, "a != b", "ff", "u");
GPT_BINARY("Greater", greater, "a > b", "ff", "u");
GPT_BINARY("GreaterEqual", greater_equal, "a >= b", "ff", "u");
GPT_BINARY("Less", less, "a < b", "ff", "u");
GPT_BINARY("LessEqual", less_equal, "a <= b", "ff", "u");

struct AddTerms {  // binary.cuda.cu
  const void* x[8];
  int count;
};

// in tensors of n elements each; out their sum, added from first to last; attrs n. Eight at a time: what has been added
// is the first of the next eight.
static void add_n(const Call& call) {
  const int64_t n = call.dim(0);
  void* y = tensor_out(call, 0, n);
  const DType dtype = call.in.at(0).dtype;
  AddTerms terms = {};
  for (size_t t = 0; t < call.in.size(); t++) {
    terms.x[terms.count++] = tensor_in(call, t, n);
    if (terms.count < 8 && t + 1 < call.in.size()) continue;
    const Grid grid = elementwise_grid(blocks(n, 16 / bytes_of(dtype)));
    launch(typed("add_n", dtype), grid, kElementwiseThreads, 0, terms, n, y);
    terms = {{y}, 1};
  }
}
GPT_KERNEL("AddN", "sum of several tensors", "a*", "a", add_n);

}  // namespace gpt
