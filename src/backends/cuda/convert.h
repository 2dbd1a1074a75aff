// Arrays between float32 and bfloat16 on the GPU, and the operands of products.
#pragma once
#include <optional>

#include "kernel.h"

namespace gpt {

// to[i] = from[i], rounded to nearest, ties to even. One of the types is float32, the other one bfloat16.
void convert(void* to, DType to_type, const void* from, DType from_type, int64_t n);

// n numbers in the type in which a product takes them: where they are, or converted into scratch memory.
class Operand {
 public:
  Operand(const void* data, DType stored, DType wanted, int64_t n);
  const void* data() const { return copy_ ? copy_->data() : data_; }

 private:
  const void* data_;
  std::optional<Scratch> copy_;
};

// The type of a product's operands: that of its activation, or bfloat16 where the call asks for it.
inline DType operand_type(DType activation, bool bf16) { return bf16 ? DType::bf16 : activation; }

}  // namespace gpt
