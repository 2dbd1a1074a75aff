// Scratch memory of a kernel call: one buffer per thread and slot, grown on demand and kept, so that a steady training
// loop neither allocates nor touches fresh pages.
#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

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
    float* result = static_cast<float*>(data_);
#if defined(__SANITIZE_ADDRESS__)  // the rest of a larger buffer is out of bounds, and what was not written is no
                                   // number
    ASAN_POISON_MEMORY_REGION(data_, bytes_);
    ASAN_UNPOISON_MEMORY_REGION(data_, bytes);
    std::fill_n(result, n, std::numeric_limits<float>::quiet_NaN());
#endif
    return result;
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace gpt
