// A kernel call: its tensors, its numbers, and a check that speaks. Shared by the native and the CUDA kernels.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace gpt {

// The physical type of a buffer: a logical float32 tensor may be stored otherwise.
enum class DType : uint8_t { f32, i32, u8, bf16 };

struct View {
  void* data;    // in CUDA kernels' calls an address on the device
  int64_t size;  // elements
  DType dtype;
};

// in: read only. out: written, or updated in place (the op's .ts says which).
// attrs: the dimensions first, then the op's parameters, in the order of the op's .ts.
struct Call {
  std::vector<View> in, out;
  std::vector<double> attrs;

  int64_t dim(size_t i) const { return static_cast<int64_t>(attrs.at(i)); }
  float num(size_t i) const { return static_cast<float>(attrs.at(i)); }
  bool flag(size_t i) const { return attrs.at(i) != 0; }
};

using Kernel = void (*)(const Call&);

#define GPT_CHECK(condition, message)                       \
  do {                                                      \
    if (!(condition)) throw std::invalid_argument(message); \
  } while (0)

}  // namespace gpt
