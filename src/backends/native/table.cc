// The exports of a kernel library: its kernels, and the few settings that are not kernels.
#include <omp.h>

#include "gemm.h"
#include "kernel.h"

namespace gpt {

std::vector<KernelEntry>& kernel_table() {
  static std::vector<KernelEntry> table;
  return table;
}

}  // namespace gpt

#define GPT_EXPORT extern "C" __attribute__((visibility("default")))

GPT_EXPORT const gpt::KernelEntry* gpt_kernels(int* count) {
  *count = static_cast<int>(gpt::kernel_table().size());
  return gpt::kernel_table().data();
}

// Runs a kernel. Returns null, or what it refused, valid until the next call.
GPT_EXPORT const char* gpt_run(gpt::Kernel kernel, const gpt::Call* call) {
  static std::string error;
  try {
    kernel(*call);
    return nullptr;
  } catch (const std::bad_alloc&) {
    error = "out of memory";
  } catch (const std::exception& e) {
    error = e.what();
  }
  return error.c_str();
}

GPT_EXPORT void gpt_set_threads(int n) { omp_set_num_threads(n); }
GPT_EXPORT const char* gpt_bf16_instructions() { return gpt::bf16_instructions(); }
GPT_EXPORT const char* gpt_bf16_library() { return gpt::bf16_library(); }
