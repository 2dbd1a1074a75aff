// Output head and cross-entropy on the GPU, in chunks of rows. Mathematics, shapes and contract: head_loss.ts; kernels:
// head_loss.cuda.cu.
//
// The logits of one chunk (about 512 MiB) are made, turned into their own gradient in place, and used for dh and dwte
// before the next chunk overwrites them. Their rows are padded to a multiple of 64 columns: cuBLASLt and the kernel
// need rows that are aligned.
//
// cuBLASLt's documentation asks for sizes, not only strides, of whole 16 bytes where it is to be fast; GPT-2 has 50,257
// tokens. So wte is copied with rows of zeros to the same multiple, for a product that makes all columns and one that
// reads all; dwte, which has no such rows, is the product of the largest multiple of 128 rows and that of the rest.
#include <algorithm>
#include <optional>
#include <utility>

#include "../../backends/cuda/convert.h"
#include "../../backends/cuda/kernel.h"
#include "../../backends/cuda/matmul.h"

namespace gpt {

namespace {

constexpr int64_t kChunkBytes = int64_t{512} << 20;
constexpr int64_t kRowTile = 128;  // of a product: chunks are whole tiles

// Threads for a row: four packs each, so that a small vocabulary has small blocks.
int threads_of_row(int64_t row_bytes) {
  return static_cast<int>(std::min<int64_t>(512, blocks(row_bytes, 4 * 16 * 32) * 32));
}

// Rows of a chunk: chunks of about the same size, none much larger than kChunkBytes.
int64_t rows_of_chunk(int64_t N, int64_t row_bytes) {
  const int64_t most = std::max(kRowTile, kChunkBytes / row_bytes);
  const int64_t chunks = blocks(N, most);
  return std::min(N, blocks(blocks(N, chunks), kRowTile) * kRowTile);
}

const char* plus(const void* p, int64_t bytes) { return static_cast<const char*>(p) + bytes; }

}  // namespace

// in h (N,C), wte (V,C), targets (N) int32, weights (N);
// out loss (1) = sum of weight * nll, nll (N); with gradient also dh (N,C), and dwte (V,C) which is added to
// attrs N, C, V, gradient, bf16
// A target outside the vocabulary makes nll of its row and the loss NaN: nothing is thrown in the middle of a step.
static void head_loss(const Call& call) {
  const int64_t N = call.dim(0), C = call.dim(1), V = call.dim(2), stride = blocks(V, 64) * 64;
  const int gradient = call.flag(3);
  const DType type = call.in[0].dtype, operand = operand_type(type, call.flag(4));
  const Operand h(tensor_in(call, 0, N * C), type, operand, N * C);
  const Operand wte(tensor_in(call, 1, V * C), call.in[1].dtype, operand, V * C);
  const int32_t* targets = static_cast<const int32_t*>(tensor_in(call, 2, N));
  const float* weights = f32_in(call, 3, N);
  float *loss = f32_out(call, 0, 1), *nll = f32_out(call, 1, N);
  char* dh = gradient ? static_cast<char*>(tensor_out(call, 2, N * C)) : nullptr;
  float* dwte = gradient ? f32_out(call, 3, V * C) : nullptr;

  const int64_t element = bytes_of(operand);
  const bool pads = V * element % 16 != 0;
  const int64_t columns = pads ? stride : V, whole = pads ? V / kRowTile * kRowTile : V;
  std::optional<Scratch> padded;
  if (pads) {
    padded.emplace(stride * C * element);
    copy(padded->data(), wte.data(), V * C * element);
    zero(static_cast<char*>(padded->data()) + V * C * element, (stride - V) * C * element);
  }
  const void* table = pads ? padded->data() : wte.data();

  const int64_t row_bytes = stride * bytes_of(type), rows = rows_of_chunk(N, row_bytes);
  const Scratch logits(rows * row_bytes);
  for (int64_t first = 0; first < N; first += rows) {
    const int64_t R = std::min(rows, N - first);
    const void* hidden = plus(h.data(), first * C * bytes_of(operand));
    matmul({R, columns, C, {hidden, operand, C}, {table, operand, C, true}, logits.data(), type, stride});
    launch(typed("head_loss_rows", type), {R}, threads_of_row(row_bytes), 128, logits.data(), nll + first,
           targets + first, weights + first, static_cast<int>(V), static_cast<int>(stride), gradient);
    if (!gradient) continue;
    const Operand dlogits(logits.data(), type, operand, R * stride);
    matmul({R,
            C,
            columns,
            {dlogits.data(), operand, stride},
            {table, operand, C},
            dh + first * C * bytes_of(type),
            type,
            C});
    for (const auto& [from, to] : {std::pair{int64_t{0}, whole}, std::pair{whole, V}}) {
      const void* part = plus(dlogits.data(), from * element);
      Product product{to - from,       C,          R, {part, operand, stride, true}, {hidden, operand, C},
                      dwte + from * C, DType::f32, C};
      product.accumulate = true;
      matmul(product);  // of no rows: nothing
    }
  }
  launch("head_loss_sum", {1}, 1024, 8192, loss, nll, weights, N);
}
GPT_KERNEL("GptHeadLoss", "cross-entropy of h wte^T, and its gradient, in row chunks", "awif", "ffaf", head_loss);

}  // namespace gpt
