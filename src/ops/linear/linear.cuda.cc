// Linear layer, with GELU or without, on the GPU. Mathematics and shapes: linear.ts, ../mlp/mlp.ts.
//
// Products by cuBLASLt with bias and tanh GELU in their epilogue; a weight that is stored in another type than the
// operands' is converted for the call. Here no kernel is of its own: src/backends/cuda/{finish,columns,convert}.cu.
#include "../../backends/cuda/columns.h"
#include "../../backends/cuda/convert.h"
#include "../../backends/cuda/finish.h"
#include "../../backends/cuda/matmul.h"

namespace gpt {

// in x (M,K), weight (K,N), bias (N); out y (M,N), and with an activation pre (M,N); attrs M, N, K, activation, bf16
static void linear(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2), activation = call.dim(3);
  const DType type = call.in[0].dtype, operand = operand_type(type, call.flag(4));
  const Operand x(tensor_in(call, 0, M * K), type, operand, M * K);
  const Operand weight(tensor_in(call, 1, K * N), call.in[1].dtype, operand, K * N);
  void* y = tensor_out(call, 0, M * N);
  void* pre = activation == 0 ? nullptr : tensor_out(call, 1, M * N);
  const bool tanh = activation == static_cast<int64_t>(Gelu::tanh), erf = activation == static_cast<int64_t>(Gelu::erf);
  Product product{M, N, K, {x.data(), operand, K}, {weight.data(), operand, N}, erf ? pre : y, type, N};
  product.finish = tanh ? Finish::gelu : Finish::bias;
  product.bias = f32_in(call, 2, N);
  product.pre = tanh ? pre : nullptr;
  matmul(product);
  if (erf) gelu(y, pre, type, M, N, N, Gelu::erf);
}
GPT_KERNEL("GptLinear", "y = x W + b, or GELU of it", "awf", "aa", linear);

// in dy (M,N), weight (K,N); out dx (M,K) = dy W^T; attrs M, N, K, bf16
static void linear_grad_input(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const DType type = call.in[0].dtype, operand = operand_type(type, call.flag(3));
  const Operand dy(tensor_in(call, 0, M * N), type, operand, M * N);
  const Operand weight(tensor_in(call, 1, K * N), call.in[1].dtype, operand, K * N);
  matmul({M, K, N, {dy.data(), operand, N}, {weight.data(), operand, N, true}, tensor_out(call, 0, M * K), type, K});
}
GPT_KERNEL("GptLinearGradInput", "dx = dy W^T", "aw", "a", linear_grad_input);

// in x (M,K), dy (M,N); out dweight (K,N) += x^T dy, dbias (N) += sum of dy's rows; attrs M, N, K, bf16
static void linear_grad_weight(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const DType type = call.in[0].dtype, operand = operand_type(type, call.flag(3));
  const void* stored_dy = tensor_in(call, 1, M * N);
  const Operand x(tensor_in(call, 0, M * K), type, operand, M * K), dy(stored_dy, type, operand, M * N);
  Product product{K,          N, M, {x.data(), operand, K, true}, {dy.data(), operand, N}, f32_out(call, 0, K * N),
                  DType::f32, N};
  product.accumulate = true;
  matmul(product);
  add_column_sums(f32_out(call, 1, N), stored_dy, type, M, N, N);
}
GPT_KERNEL("GptLinearGradWeight", "dW += x^T dy, db += column sums of dy", "aa", "ff", linear_grad_weight);

}  // namespace gpt
