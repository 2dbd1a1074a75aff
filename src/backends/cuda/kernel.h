// What the launcher of a GPU kernel (src/ops/<op>/<op>.cuda.cc) sees of the rest: its call, launch(), scratch memory,
// and registration. Matrix products: matmul.h.
//
// A launcher checks the sizes, computes the grid and puts kernels on the stream; it never waits for the GPU. All work
// is on one stream, so memory that is given back to the pool may be used again at once by whatever is launched next.
#pragma once
#include "../call.h"

namespace gpt {

// Physical types by letter, one per tensor of the call; a trailing '*' repeats the last one:
//   f float32    i int32    u uint8    n int32 or uint8, as stored    w weights, float32 or bfloat16, as stored
//   a activations: all of a call are of one type, float32 or bfloat16, that of its first 'a' input, or of its first 'w'
// The backend converts inputs and allocates outputs accordingly, and run() checks: a launcher asks call.in[0].dtype
// once.
struct KernelEntry {
  const char* name;
  const char* doc;
  const char* in;
  const char* out;  // results and updated tensors, in the order of call.out
  Kernel run;
};

std::vector<KernelEntry>& kernel_table();

struct Registration {
  Registration(const char* name, const char* doc, const char* in, const char* out, Kernel run) {
    kernel_table().push_back({name, doc, in, out, run});
  }
};
// The name is the TF.js kernel name; the doc is one line that `gpt doctor --kernels` prints.
#define GPT_KERNEL(name, doc, in, out, fn) \
  static const ::gpt::Registration registration_##fn { name, doc, in, out, fn }

// The address of a tensor that has at least `size` elements.
void* tensor_in(const Call& call, size_t i, int64_t size);
void* tensor_out(const Call& call, size_t i, int64_t size);
inline float* f32_in(const Call& call, size_t i, int64_t size) { return static_cast<float*>(tensor_in(call, i, size)); }
inline float* f32_out(const Call& call, size_t i, int64_t size) {
  return static_cast<float*>(tensor_out(call, i, size));
}

inline int64_t bytes_of(DType dtype) { return dtype == DType::u8 ? 1 : dtype == DType::bf16 ? 2 : 4; }

// ---- launching

struct Grid {
  int64_t x = 1, y = 1, z = 1;  // blocks; y and z at most 65,535
};

// Whether an address suits 16-byte accesses: those of tensors do, parts of tensors may not.
inline bool aligned(const void* address) { return reinterpret_cast<uintptr_t>(address) % 16 == 0; }

constexpr int64_t blocks(int64_t n, int64_t per_block) { return (n + per_block - 1) / per_block; }

void launch_kernel(const std::string& kernel, Grid grid, int threads, int64_t shared_bytes, void** args,
                   const size_t* sizes, size_t count);

// Puts a kernel of some *.cuda.cu on the stream. The arguments' types must be exactly those of its parameters: their
// sizes are compared at the first launch where the driver can tell them.
template <class... Args>
void launch(const std::string& kernel, Grid grid, int threads, int64_t shared_bytes, Args... args) {
  void* pointers[] = {static_cast<void*>(&args)...};
  const size_t sizes[] = {sizeof(Args)...};
  launch_kernel(kernel, grid, threads, shared_bytes, pointers, sizes, sizeof...(Args));
}

// "layer_norm" -> "layer_norm_f32" or "layer_norm_bf16": how kernels that exist per storage type are called.
inline std::string typed(const char* kernel, DType dtype) {
  return std::string(kernel) + (dtype == DType::bf16 ? "_bf16" : "_f32");
}

// Memory of the pool, aligned to 512 bytes, content undefined. Throws DeviceError when it runs out.
void* allocate(int64_t bytes);
void release(void* data);

// Device memory for the duration of a launcher.
class Scratch {
 public:
  explicit Scratch(int64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* floats() const { return static_cast<float*>(data_); }
  void* data() const { return data_; }

 private:
  void* data_;
};

// Device memory that a launcher keeps from call to call, as a static variable: it goes with the device's context, and
// so has no destructor.
class Persistent {
 public:
  // At least `bytes`. What it held is lost when it has to grow.
  void* reserve(int64_t bytes) {
    if (bytes > bytes_) {
      if (data_ != nullptr) release(data_);
      data_ = nullptr;
      bytes_ = 0;
      data_ = allocate(bytes);
      bytes_ = bytes;
    }
    return data_;
  }

 private:
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

// bytes from one place on the device to another, on the stream
void copy(void* to, const void* from, int64_t bytes);
// bytes of zero, on the stream
void zero(void* data, int64_t bytes);
// from the host: copied before this returns, in order with the stream
void upload(void* data, const void* host, int64_t bytes);

// Multiprocessors of the device: grids of persistent kernels are multiples of it.
int multiprocessors();

}  // namespace gpt
