// The open GPU. See device.h and kernel.h.
#include "device.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "image.h"
#include "kernel.h"

namespace gpt {

namespace {

constexpr int kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76, kMultiprocessorCount = 16;
constexpr int kMaxDynamicShared = 8;          // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr int64_t kDefaultShared = 48 << 10;  // more must be asked for
constexpr int64_t kRing = int64_t{32} << 20;  // pinned memory of uploads
constexpr int64_t kChunk = int64_t{8} << 20;  // of one copy to the host
constexpr unsigned kNonBlockingStream = 1, kEventWithoutTiming = 2;

struct Function {
  CUfunction handle;
  int64_t shared = kDefaultShared;
};

struct Context {
  DeviceInfo info;
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUstream stream = nullptr;
  Pool pool;
  std::unordered_map<std::string, Function> functions;
  bool wait = false;
  const char* call = nullptr;  // that is under way
};

Context& gpu() {
  static Context* instance = new Context;  // never destroyed: the driver may be gone before static destructors run
  return *instance;
}

// An error that shows on the stream may have been caused by any call before: with GPT_CUDA_SYNC=1 it is this one.
void check_stream(CUresult result) {
  if (result == 0) return;
  const char* call = gpu().wait ? gpu().call : nullptr;
  check(result, std::string(call ? call : "a kernel") + " failed on the GPU");
}

// ---- uploads

// Pinned memory in a ring: a part is used again when the copy from it has ended.
class UploadRing {
 public:
  void* take(int64_t bytes) {
    if (!base_) check(driver().MemHostAlloc(&base_, kRing, 0), "allocating pinned memory");
    if (head_ + bytes > kRing) {
      while (!open_.empty() && open_.front().begin >= head_) finish_oldest();  // of the round before
      head_ = 0;
    }
    while (!open_.empty() && open_.front().begin < head_ + bytes && head_ < open_.front().end) finish_oldest();
    void* result = static_cast<char*>(base_) + head_;
    next_ = {head_, head_ + bytes, nullptr};
    head_ += (bytes + 63) / 64 * 64;
    return result;
  }
  // The copy from the last part is on the stream.
  void committed(CUstream stream) {
    if (idle_.empty()) {
      check(driver().EventCreate(&next_.event, kEventWithoutTiming), "creating an event");
    } else {
      next_.event = idle_.back();
      idle_.pop_back();
    }
    check(driver().EventRecord(next_.event, stream), "recording an event");
    open_.push_back(next_);
  }

 private:
  struct Part {
    int64_t begin, end;
    CUevent event;
  };
  void finish_oldest() {
    check_stream(driver().EventSynchronize(open_.front().event));
    idle_.push_back(open_.front().event);
    open_.pop_front();
  }
  void* base_ = nullptr;
  int64_t head_ = 0;
  Part next_{};
  std::deque<Part> open_;
  std::vector<CUevent> idle_;
};

UploadRing& ring() {
  static UploadRing* instance = new UploadRing;
  return *instance;
}

// ---- reads that do not wait

struct Read {
  void* to;
  CUdeviceptr from;
  int64_t bytes;
  CUevent ready;
  std::function<void(CUresult)> done;
};

// Fetches snapshots one after the other, in the order of the stream.
class Reader {
 public:
  void add(Read read) {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(read));
    if (!started_) {
      started_ = true;
      std::thread([this] { loop(); }).detach();
    }
    wake_.notify_one();
  }

 private:
  void loop() {
    driver().CtxSetCurrent(gpu().context);
    driver().StreamCreate(&stream_, kNonBlockingStream);
    CUresult result = driver().MemHostAlloc(&pinned_, kChunk, 0);
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return !queue_.empty(); });
      const Read read = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (result == 0) result = driver().EventSynchronize(read.ready);
      for (int64_t at = 0; at < read.bytes && result == 0; at += kChunk) {
        const size_t size = static_cast<size_t>(std::min(kChunk, read.bytes - at));
        result = driver().MemcpyDtoHAsync(pinned_, read.from + static_cast<CUdeviceptr>(at), size, stream_);
        if (result == 0) result = driver().StreamSynchronize(stream_);
        if (result == 0) std::memcpy(static_cast<char*>(read.to) + at, pinned_, size);
      }
      driver().EventDestroy(read.ready);
      read.done(result);
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Read> queue_;
  bool started_ = false;
  CUstream stream_ = nullptr;
  void* pinned_ = nullptr;
};

Reader& reader() {
  static Reader* instance = new Reader;
  return *instance;
}

}  // namespace

void open_device(const DeviceOptions& options) {
  open_driver(options.driver);
  Context& g = gpu();
  Driver& d = driver();
  g.info.count = 0;
  d.DriverGetVersion(&g.info.driver_version);
  check(d.DeviceGetCount(&g.info.count), "counting devices");
  if (options.device < 0 || options.device >= g.info.count) {
    throw DeviceError("there is no GPU " + std::to_string(options.device) + ": the driver shows " +
                          std::to_string(g.info.count) + (g.info.count > 0 ? ", counted from 0" : ""),
                      "give --device a number below that, or look at CUDA_VISIBLE_DEVICES");
  }
  CUdevice device = 0;
  check(d.DeviceGet(&device, options.device), "opening the device");
  char name[256] = "";
  d.DeviceGetName(name, sizeof name - 1, device);
  g.info.name = name;
  int major = 0, minor = 0;
  d.DeviceGetAttribute(&major, kComputeCapabilityMajor, device);
  d.DeviceGetAttribute(&minor, kComputeCapabilityMinor, device);
  d.DeviceGetAttribute(&g.info.multiprocessors, kMultiprocessorCount, device);
  g.info.compute_capability = 10 * major + minor;
  if (major < 8) {
    throw DeviceError(g.info.name + " has compute capability " + std::to_string(major) + "." + std::to_string(minor) +
                          ", and 8.0 is needed (Ampere, 2020, or newer)",
                      "use --backend native");
  }
  size_t memory = 0;
  d.DeviceTotalMem(&memory, device);
  g.info.memory = static_cast<int64_t>(memory);
  check(d.DevicePrimaryCtxRetain(&g.context, device), "opening " + g.info.name);
  check(d.CtxSetCurrent(g.context), "opening " + g.info.name);
  check(d.StreamCreate(&g.stream, kNonBlockingStream), "creating a stream");
  const Image image = load_image(options.folder, g.info.compute_capability, options.nvrtc);
  g.module = image.module;
  g.info.image = image.what;
  g.pool.configure(options.cached, options.poison, g.stream);
  g.wait = options.wait;
}

const DeviceInfo& device_info() { return gpu().info; }
CUstream stream() { return gpu().stream; }
Pool& pool() { return gpu().pool; }
int multiprocessors() { return gpu().info.multiprocessors; }

void begin_call(const char* name) { gpu().call = name; }

void end_call() {
  Context& g = gpu();
  if (g.wait) check_stream(driver().StreamSynchronize(g.stream));
  g.call = nullptr;
}

// ---- kernel.h

void launch_kernel(const std::string& kernel, Grid grid, int threads, int64_t shared_bytes, void** args,
                   const size_t* sizes, size_t count) {
  Context& g = gpu();
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  GPT_CHECK(grid.x < (int64_t{1} << 31) && grid.y <= 65535 && grid.z <= 65535,
            "internal: too many blocks of " + kernel);
  auto found = g.functions.find(kernel);
  if (found == g.functions.end()) {
    CUfunction handle;
    check(driver().ModuleGetFunction(&handle, g.module, kernel.c_str()), "the kernel image lacks " + kernel);
    if (driver().FuncGetParamInfo) {
      size_t offset, size;
      for (size_t i = 0; i <= count; i++) {
        const bool exists = driver().FuncGetParamInfo(handle, i, &offset, &size) == 0;
        GPT_CHECK(exists == (i < count) && (!exists || size == sizes[i]),
                  "internal: argument " + std::to_string(i) + " of " + kernel + " does not fit its parameter");
      }
    }
    found = g.functions.emplace(kernel, Function{handle}).first;
  }
  Function& function = found->second;
  if (shared_bytes > function.shared) {
    check(driver().FuncSetAttribute(function.handle, kMaxDynamicShared, static_cast<int>(shared_bytes)),
          kernel + " needs " + std::to_string(shared_bytes) + " bytes of shared memory");
    function.shared = shared_bytes;
  }
  const auto n = [](int64_t size) { return static_cast<unsigned>(size); };
  const CUresult result = driver().LaunchKernel(function.handle, n(grid.x), n(grid.y), n(grid.z), n(threads), 1, 1,
                                                n(shared_bytes), g.stream, args, nullptr);
  if (result) check_stream(result);
}

Scratch::Scratch(int64_t bytes) : data_(allocate(bytes)) {}
Scratch::~Scratch() { release(data_); }

void* allocate(int64_t bytes) { return reinterpret_cast<void*>(gpu().pool.allocate(bytes)); }
void release(void* data) { gpu().pool.release(reinterpret_cast<CUdeviceptr>(data)); }

void zero(void* data, int64_t bytes) {
  if (bytes == 0) return;
  check_stream(
      driver().MemsetD8Async(reinterpret_cast<CUdeviceptr>(data), 0, static_cast<size_t>(bytes), gpu().stream));
}

void copy(void* to, const void* from, int64_t bytes) {
  if (bytes == 0) return;
  check_stream(driver().MemcpyDtoDAsync(reinterpret_cast<CUdeviceptr>(to), reinterpret_cast<CUdeviceptr>(from),
                                        static_cast<size_t>(bytes), gpu().stream));
}

void upload(void* data, const void* host, int64_t bytes) {
  Context& g = gpu();
  for (int64_t at = 0; at < bytes; at += kRing / 4) {
    const int64_t size = std::min(kRing / 4, bytes - at);
    void* pinned = ring().take(size);
    std::memcpy(pinned, static_cast<const char*>(host) + at, static_cast<size_t>(size));
    check_stream(driver().MemcpyHtoDAsync(reinterpret_cast<CUdeviceptr>(data) + static_cast<CUdeviceptr>(at), pinned,
                                          static_cast<size_t>(size), g.stream));
    ring().committed(g.stream);
  }
}

void* tensor_in(const Call& call, size_t i, int64_t size) {
  const View& v = call.in.at(i);
  GPT_CHECK(v.size >= size, "input " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return v.data;
}

void* tensor_out(const Call& call, size_t i, int64_t size) {
  const View& v = call.out.at(i);
  GPT_CHECK(v.size >= size, "output " + std::to_string(i) + " has " + std::to_string(v.size) + " elements, expected " +
                                std::to_string(size));
  return v.data;
}

// ---- copies to the host

void read_sync(void* to, const void* from, int64_t bytes) {
  static void* pinned = nullptr;
  if (!pinned) check(driver().MemHostAlloc(&pinned, kChunk, 0), "allocating pinned memory");
  for (int64_t at = 0; at < bytes; at += kChunk) {
    const size_t size = static_cast<size_t>(std::min(kChunk, bytes - at));
    const CUdeviceptr address = reinterpret_cast<CUdeviceptr>(from) + static_cast<CUdeviceptr>(at);
    check_stream(driver().MemcpyDtoHAsync(pinned, address, size, gpu().stream));
    check_stream(driver().StreamSynchronize(gpu().stream));
    std::memcpy(static_cast<char*>(to) + at, pinned, size);
  }
}

void* read_async(void* to, const void* from, int64_t bytes, std::function<void(CUresult)> done) {
  Context& g = gpu();
  const CUdeviceptr snapshot = g.pool.allocate(bytes);
  check_stream(
      driver().MemcpyDtoDAsync(snapshot, reinterpret_cast<CUdeviceptr>(from), static_cast<size_t>(bytes), g.stream));
  CUevent ready;
  check(driver().EventCreate(&ready, kEventWithoutTiming), "creating an event");
  check_stream(driver().EventRecord(ready, g.stream));
  reader().add({to, snapshot, bytes, ready, std::move(done)});
  return reinterpret_cast<void*>(snapshot);
}

void synchronize() { check_stream(driver().StreamSynchronize(gpu().stream)); }

Timer::Timer() {
  check(driver().EventCreate(&start_, 0), "creating an event");
  check(driver().EventCreate(&stop_, 0), "creating an event");
}
Timer::~Timer() {
  driver().EventDestroy(start_);
  driver().EventDestroy(stop_);
}
void Timer::start() { check(driver().EventRecord(start_, gpu().stream), "recording an event"); }
void Timer::stop() { check(driver().EventRecord(stop_, gpu().stream), "recording an event"); }
float Timer::ms() {
  float ms = 0;
  check_stream(driver().EventSynchronize(stop_));
  check(driver().EventElapsedTime(&ms, start_, stop_), "reading a timer");
  return ms;
}

}  // namespace gpt
