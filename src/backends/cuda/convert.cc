#include "convert.h"

namespace gpt {

void convert(void* to, DType to_type, const void* from, DType from_type, int64_t n) {
  const bool narrows = to_type == DType::bf16 && from_type == DType::f32;
  GPT_CHECK(narrows || (to_type == DType::f32 && from_type == DType::bf16),
            "internal: a conversion is between float32 and bfloat16");
  if (n == 0) return;
  const Grid grid{blocks(n, 256 * 8)};
  const int wide = aligned(to) && aligned(from);
  if (narrows)
    launch("convert_f32_to_bf16", grid, 256, 0, to, from, n, wide);
  else
    launch("convert_bf16_to_f32", grid, 256, 0, to, from, n, wide);
}

Operand::Operand(const void* data, DType stored, DType wanted, int64_t n) : data_(data) {
  if (stored == wanted) return;
  copy_.emplace(n * bytes_of(wanted));
  convert(copy_->data(), wanted, data, stored, n);
}

// in x; out y, the same numbers stored otherwise: how the backend gives a kernel what it takes
static void convert_call(const Call& call) {
  convert(call.out.at(0).data, call.out[0].dtype, call.in.at(0).data, call.in[0].dtype, call.in[0].size);
}
GPT_KERNEL("GptConvert", "y = x in the other of float32 and bfloat16", "w", "w", convert_call);

}  // namespace gpt
