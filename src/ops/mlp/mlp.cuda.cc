// The part of the MLP's gradient that is not the linear layers' own, on the GPU. Mathematics and shapes: mlp.ts.
//
// cuBLASLt multiplies by the derivative of the tanh form in its epilogue; for the other form, and where it has no such
// epilogue, a kernel of its own follows: src/backends/cuda/finish.cu.
#include "../../backends/cuda/convert.h"
#include "../../backends/cuda/finish.h"
#include "../../backends/cuda/matmul.h"

namespace gpt {

// in dy (M,N), weight (K,N), pre (M,K); out dpre (M,K) = (dy W^T) * gelu'(pre); attrs M, N, K, activation, bf16
static void mlp_grad_hidden(const Call& call) {
  const int64_t M = call.dim(0), N = call.dim(1), K = call.dim(2);
  const DType type = call.in[0].dtype, operand = operand_type(type, call.flag(4));
  const Operand dy(tensor_in(call, 0, M * N), type, operand, M * N);
  const Operand weight(tensor_in(call, 1, K * N), call.in[1].dtype, operand, K * N);
  void *pre = tensor_in(call, 2, M * K), *dpre = tensor_out(call, 0, M * K);
  const bool tanh = call.dim(3) == static_cast<int64_t>(Gelu::tanh);
  Product product{M, K, N, {dy.data(), operand, N}, {weight.data(), operand, N, true}, dpre, type, K};
  product.finish = tanh ? Finish::gelu_grad : Finish::none;
  product.pre = tanh ? pre : nullptr;
  matmul(product);
  if (!tanh) gelu_grad(dpre, pre, type, M, K, K, Gelu::erf);
}
GPT_KERNEL("GptMlpGradHidden", "dpre = (dy W^T) * gelu'(pre)", "awa", "a", mlp_grad_hidden);

}  // namespace gpt
