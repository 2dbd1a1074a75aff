// Launchers of the optimizer on the GPU. Kernels: adamw.cuda.cu; formulas: adamw.ts.
//
// One launch takes all parameters: their tensors are cut into pieces, and the list of the pieces lies in device memory.
// It is made and sent again only when a tensor has moved or changed: not in the steps of a run, whose tensors stay.
#include <algorithm>
#include <cmath>

#include "../../backends/cuda/kernel.h"

namespace gpt {

namespace {

constexpr int64_t kPiece = 1 << 14;

// The twin of OptimizerPiece in adamw.cuda.cu.
struct Piece {
  void* at[4];
  int64_t size;
  double decay;
};
static_assert(sizeof(Piece) == 48, "kernels read it");

class PieceList {
 public:
  // Each tensor is given as one piece; a decay is not NaN.
  void set(const std::vector<Piece>& tensors, const int64_t (&element_bytes)[4]) {
    const auto same = [](const Piece& a, const Piece& b) {
      return std::equal(a.at, a.at + 4, b.at) && a.size == b.size && a.decay == b.decay;
    };
    if (std::equal(tensors.begin(), tensors.end(), tensors_.begin(), tensors_.end(), same)) return;
    tensors_.clear();  // should an allocation or the copy fail
    std::vector<Piece> pieces;
    for (const Piece& tensor : tensors) {
      for (int64_t first = 0; first < tensor.size; first += kPiece) {
        Piece piece = {{}, std::min(kPiece, tensor.size - first), tensor.decay};
        for (int k = 0; k < 4 && tensor.at[k] != nullptr; k++)
          piece.at[k] = static_cast<char*>(tensor.at[k]) + first * element_bytes[k];
        pieces.push_back(piece);
      }
    }
    const int64_t bytes = static_cast<int64_t>(pieces.size() * sizeof(Piece));
    data_ = memory_.reserve(bytes);
    upload(data_, pieces.data(), bytes);
    count_ = static_cast<int64_t>(pieces.size());
    tensors_ = tensors;
  }
  int64_t count() const { return count_; }
  void* data() const { return data_; }

 private:
  Persistent memory_;
  void* data_ = nullptr;
  int64_t count_ = 0;
  std::vector<Piece> tensors_;
};

}  // namespace

// in g_1 .. g_n; out norm (1) = sqrt of the sum of all squares; attrs none
static void global_norm(const Call& call) {
  std::vector<Piece> tensors;
  for (size_t i = 0; i < call.in.size(); i++)
    tensors.push_back({{f32_in(call, i, call.in[i].size)}, call.in[i].size, 0});
  static PieceList pieces;
  pieces.set(tensors, {4});
  const Scratch sums((pieces.count() + 1) * 8);
  if (pieces.count() > 0) launch("optimizer_norm_pieces", {pieces.count()}, 256, 8 * 8, pieces.data(), sums.data());
  launch("optimizer_norm", {}, 256, 8 * 8, sums.data(), static_cast<int>(pieces.count()), f32_out(call, 0, 1));
}
GPT_KERNEL("GptGlobalNorm", "square root of the sum of squares of all gradients", "f*", "f", global_norm);

// in norm (1); out p_1 .. p_n, m_1 .. m_n, v_1 .. v_n, g_1 .. g_n (updated; g is set to zero; when the norm is not
// finite nothing changes)
// attrs n, openai, lr, beta1, beta2, eps, clip, epsilon of the clip, 1 - beta1^t, 1 - beta2^t, decay_1 .. decay_n
static void adam(const Call& call) {
  const size_t n = static_cast<size_t>(call.dim(0));
  GPT_CHECK(call.out.size() == 4 * n && call.attrs.size() == 10 + n, "needs p, m, v, g and a decay per parameter");
  const bool openai = call.flag(1);
  const double lr = call.attrs[2], clip = call.attrs[6], clip_epsilon = call.attrs[7];
  const double correction1 = call.attrs[8], correction2 = call.attrs[9];
  std::vector<Piece> tensors;
  for (size_t t = 0; t < n; t++) {
    Piece tensor = {{}, call.out[t].size, call.attrs[10 + t]};
    for (size_t k = 0; k < 4; k++) tensor.at[k] = f32_out(call, k * n + t, tensor.size);
    tensors.push_back(tensor);
  }
  static PieceList pieces;
  pieces.set(tensors, {4, 4, 4, 4});
  if (pieces.count() == 0) return;
  // PyTorch:  p -= lr wd p;  p -= lr mhat / (sqrt(vhat) + eps)
  // OpenAI:   p -= lrt (m / (sqrt(v) + eps) + wd p),  lrt = lr sqrt(1 - b2^t) / (1 - b1^t)
  const float rate = static_cast<float>(openai ? lr * std::sqrt(correction2) / correction1 : lr / correction1);
  const float root = static_cast<float>(openai ? 1.0 : 1.0 / std::sqrt(correction2));
  const double decay_rate = openai ? rate : lr;
  launch("optimizer_adam", {pieces.count()}, 256, 2 * 4, pieces.data(), f32_in(call, 0, 1), clip, clip_epsilon,
         decay_rate, rate, root, call.num(3), call.num(4), call.num(5));
}
GPT_KERNEL("GptAdam", "AdamW, or OpenAI's Adam, on all parameters in place", "f", "f*", adam);

// in x_1 .. x_n; out their copies, stored as bfloat16: what a step's products read
static void round_weights(const Call& call) {
  GPT_CHECK(call.in.size() == call.out.size(), "needs a copy for each tensor");
  std::vector<Piece> tensors;
  for (size_t t = 0; t < call.in.size(); t++) {
    const int64_t size = call.in[t].size;
    GPT_CHECK(call.out[t].dtype == DType::bf16, "a copy is not stored as bfloat16");
    tensors.push_back({{f32_in(call, t, size), tensor_out(call, t, size)}, size, 0});
  }
  if (tensors.size() == 1 && tensors[0].size > 0) {  // a copy that is made when it is asked for
    const Piece& tensor = tensors[0];
    return launch("optimizer_round_one", {blocks(tensor.size, kPiece)}, 256, 0, tensor.at[0], tensor.at[1], tensor.size,
                  static_cast<int>(kPiece));
  }
  static PieceList pieces;
  pieces.set(tensors, {4, 2});
  if (pieces.count() > 0) launch("optimizer_round", {pieces.count()}, 256, 0, pieces.data());
}
GPT_KERNEL("GptRoundWeights", "bfloat16 copies of float32 tensors", "f*", "w*", round_weights);

}  // namespace gpt
