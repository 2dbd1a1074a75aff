// What a kernel file sees of the rest: a call with its buffers and numbers, checks that speak, and registration.
//
// A kernel library is compiled once per instruction set (build.mjs) and loaded by addon.cc, which picks one at run
// time. Kernels never allocate results: outputs come from the backend's pool. Scratch comes from scratch.h.
#pragma once
#include "../call.h"

namespace gpt {

struct KernelEntry {
  const char* name;
  const char* doc;
  Kernel run;
  bool bf16;  // takes inputs stored as bfloat16 where its .cc says so; others get a float32 copy
};

std::vector<KernelEntry>& kernel_table();

struct Registration {
  Registration(const char* name, const char* doc, Kernel run, bool bf16 = false) {
    kernel_table().push_back({name, doc, run, bf16});
  }
};
// The name is the TF.js kernel name; the doc is one line that `gpt doctor --kernels` prints.
#define GPT_KERNEL(name, doc, fn) \
  static const ::gpt::Registration registration_##fn { name, doc, fn }

#define GPT_KERNEL_BF16(name, doc, fn) \
  static const ::gpt::Registration registration_##fn { name, doc, fn, true }

inline const float* f32_in(const Call& call, size_t i, int64_t size) {
  const View& v = call.in.at(i);
  GPT_CHECK(v.dtype == DType::f32, "input " + std::to_string(i) + " is not stored as float32");
  GPT_CHECK(v.size >= size, "input " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return static_cast<const float*>(v.data);
}

// Weights as they are stored.
struct Stored {
  const void* data;
  bool bf16;
};

inline Stored stored_in(const Call& call, size_t i, int64_t size) {
  const View& v = call.in.at(i);
  if (v.dtype != DType::bf16) return {f32_in(call, i, size), false};
  GPT_CHECK(v.size >= size, "input " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return {v.data, true};
}

inline const int32_t* i32_in(const Call& call, size_t i, int64_t size) {
  const View& v = call.in.at(i);
  GPT_CHECK(v.dtype == DType::i32, "input " + std::to_string(i) + " is not stored as int32");
  GPT_CHECK(v.size >= size, "input " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return static_cast<const int32_t*>(v.data);
}

inline float* f32_out(const Call& call, size_t i, int64_t size) {
  const View& v = call.out.at(i);
  GPT_CHECK(v.dtype == DType::f32, "output " + std::to_string(i) + " is not stored as float32");
  GPT_CHECK(v.size >= size, "output " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return static_cast<float*>(v.data);
}

}  // namespace gpt
