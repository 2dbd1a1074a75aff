// The open GPU: context, stream, kernels, memory and copies. One per process.
//
// All work is on one stream. Copies to the GPU go through pinned memory, so the host never waits for them; copies from
// it are taken as a snapshot on the GPU in order with everything else, which a thread of their own then fetches.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../call.h"
#include "driver.h"
#include "pool.h"

namespace gpt {

struct DeviceOptions {
  std::string driver;              // libcuda.so.1
  std::vector<std::string> nvrtc;  // candidates, to compile kernels where no image fits
  int device = 0;
  std::string folder;                  // with kernels.*.cubin, kernels.ptx and kernels.cu
  bool cached = true, poison = false;  // pool.h
  bool wait = false;                   // after each call: errors name it
};

struct DeviceInfo {
  std::string name, image;
  int driver_version, compute_capability, multiprocessors, count;
  int64_t memory;
};

// Throws DeviceError.
void open_device(const DeviceOptions& options);
const DeviceInfo& device_info();
CUstream stream();
Pool& pool();

// Brackets a kernel call: errors found inside name it.
void begin_call(const char* name);
void end_call();

// Waits for everything on the stream; then the copy is on the host.
void read_sync(void* to, const void* from, int64_t bytes);
// The same without waiting: `done` runs on another thread, with 0 or an error. `to` must live until then, and the
// result, the snapshot on the device, must be given to release() after it.
void* read_async(void* to, const void* from, int64_t bytes, std::function<void(CUresult)> done);
void synchronize();
// Milliseconds that the GPU spent between two points of the stream.
class Timer {
 public:
  Timer();
  ~Timer();
  void start();
  void stop();
  float ms();  // waits

 private:
  CUevent start_, stop_;
};

}  // namespace gpt
