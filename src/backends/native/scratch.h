// Scratch memory of a kernel call: one buffer per thread and slot, grown on demand and kept, so that a steady training
// loop neither allocates nor touches fresh pages.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace gpt {

class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() { std::free(data_); }

  // At least n floats, aligned to a cache line; the content is undefined.
  float* floats(int64_t n) {
    const size_t bytes = static_cast<size_t>(n) * sizeof(float);
    if (bytes > bytes_) {
      std::free(data_);
      data_ = nullptr;
      bytes_ = 0;
      const size_t huge = 2 << 20;
      const size_t alignment = bytes >= huge ? huge : 64;
      const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
      if (posix_memalign(&data_, alignment, rounded) != 0) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
      if (alignment == huge) madvise(data_, rounded, MADV_HUGEPAGE);
#endif
      bytes_ = rounded;
    }
    return static_cast<float*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace gpt
