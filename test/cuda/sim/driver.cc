// A libcuda.so.1 for machines without a GPU: the functions of the driver API that src/backends/cuda uses, over host
// memory. Kernels are found by name and run by the shim (shim.h). Declarations and numbers: cuda.h of CUDA 13.
//
// Work on a stream is done before the call returns, with two exceptions that show a host that does not wait: a copy to
// pinned memory arrives when the host waits for it (until then NaN lies there), and a copy from pinned memory reads it
// when the next work is put on a stream. Host functions run on a thread of their own, a moment later.
//
// Stricter than a driver: device memory is NaN when it is fresh, ends at a page that nobody may touch, and is gone when
// it is freed; what a kernel writes beyond the end of its arguments is found even within that page; copies and memsets
// must lie inside one allocation; pinned memory is not copied from again before the host has waited for its last copy.
// Misuse that a driver answers by an error code is also written to stderr.
//
// Settings, by environment:
//   GPT_SIM_ORDER, GPT_SIM_COPIES   shim.h
//   GPT_SIM_NO_DEVICE=1             cuInit finds no GPU, as with CUDA_VISIBLE_DEVICES= or -1
//   GPT_SIM_DRIVER=11040            the driver's version (13000)
//   GPT_SIM_DEVICES=2               GPUs (1)
//   GPT_SIM_CC=80                   compute capability, times ten (90)
//   GPT_SIM_SMS=132                 multiprocessors (3: grids stay small)
//   GPT_SIM_MEMORY=bytes            of one GPU (80 GiB)
//   GPT_SIM_EMPTY=1                 nothing is computed and device memory is never touched: it reads as zeros
//   GPT_SIM_FAIL=name[:n]           the n-th launch of this kernel (or of cublasLtMatmul) fails after it has returned
//   GPT_SIM_FAIL_ALLOC=n            from the n-th allocation of device memory on there is none left
//   GPT_SIM_BAD_IMAGE=1             the driver takes PTX only
//   GPT_SIM_LEAKS=file              at exit: {"allocations", "bytes", "pinned"} that are still there, as JSON
//   GPT_SIM_STATS=file              at exit: launches and seconds of every kernel, as JSON
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "shim.h"

#define API extern "C" __attribute__((visibility("default")))

namespace {

enum Result : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201,
  kNoBinaryForGpu = 209,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kNotPermitted = 800,
};

struct Error {
  Result code;
  const char *name, *text;
};
constexpr Error kErrors[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {kNotPermitted, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
};

constexpr size_t kPage = 4096, kGranule = 512, kStaticShared = 48 << 10;
constexpr int kContext = 1;  // handles of the one context are its address

struct Function {
  std::string name;
  const shim::KernelInfo* info;
  size_t shared_limit;
};

struct Allocation {
  size_t size, mapped;  // mapped: with the guard page
  void* mapping;
};

struct Event {
  bool timed, recorded = false;
  uint64_t ticket = 0;  // of the last work before it
  std::chrono::steady_clock::time_point time{};
};

struct HostFunction {
  uint64_t ticket;
  void (*call)(void*);
  void* data;
};

struct Arrival {  // of a copy in pinned memory
  uint64_t ticket;
  void* to;
  std::vector<char> bytes;
};

struct Upload {  // from pinned memory, not yet read
  void* to;
  const void* from;
  size_t size;
};

struct Statistic {
  uint64_t launches = 0;
  double seconds = 0;
};

// All there is. Never destroyed: threads may outlive main().
struct Machine {
  std::recursive_mutex mutex;
  bool initialized = false, empty = false;
  int retained = 0, sticky = kSuccess;
  size_t total = size_t{80} << 30, used = 0;
  std::map<uintptr_t, Allocation> memory;
  std::map<uintptr_t, size_t> pinned;
  std::map<std::string, Function> functions;
  std::set<void*> streams;
  std::set<Event*> events;
  std::string fail_kernel;
  uint64_t fail_at = 0, fail_seen = 0;
  int64_t fail_alloc = INT64_MAX, allocations = 0;
  std::map<std::string, Statistic> statistics;

  uint64_t ticket = 0;
  std::vector<Upload> uploads;
  std::map<uintptr_t, std::pair<size_t, uint64_t>> read_from;  // pinned memory of copies that no one has waited for
  std::deque<Arrival> arrivals;
  // the thread of host functions; its queue has a lock of its own
  std::mutex host_mutex;
  std::condition_variable host_changed;
  std::deque<HostFunction> host_queue;  // the first one is running
  bool host_thread = false;
};

Machine& machine() {
  static Machine& m = *new Machine;
  return m;
}
thread_local const void* current_context = nullptr;
thread_local bool in_host_function = false;

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::atoll(text) : otherwise;
}

template <class... Args>
int misuse(int code, const char* format, Args... args) {
  std::fputs("simulated driver: ", stderr);
  std::fprintf(stderr, format, args...);
  std::fputc('\n', stderr);
  return code;
}

using Lock = std::lock_guard<std::recursive_mutex>;

// What every call that needs a context begins with.
#define ENTER(...)                                                                       \
  Machine& m = machine();                                                                \
  Lock lock(m.mutex);                                                                    \
  if (!m.initialized) return misuse(kNotInitialized, "%s before cuInit", __func__);      \
  if (in_host_function) return misuse(kNotPermitted, "%s in a host function", __func__); \
  if (current_context != &kContext)                                                      \
    return misuse(kInvalidContext, "%s on a thread without cuCtxSetCurrent", __func__);  \
  __VA_ARGS__

// ... and what those begin with that report errors of earlier work.
#define ENTER_STREAM(stream)           \
  ENTER(if (m.sticky) return m.sticky; \
        if (!stream_exists(m, stream)) return misuse(kInvalidHandle, "%s: no such stream", __func__);)

bool stream_exists(Machine& m, void* stream) { return !stream || m.streams.count(stream); }

int compute_capability() { return static_cast<int>(setting("GPT_SIM_CC", 90)); }

// Shared memory that a block may ask for (CUDA C++ Programming Guide, technical specifications).
int shared_limit() {
  const int cc = compute_capability();
  return (cc >= 90 && cc < 120 ? 227 : cc == 80 || cc == 87 ? 163 : 99) << 10;
}

int device_count() {
  int n = static_cast<int>(setting("GPT_SIM_DEVICES", 1));
  if (setting("GPT_SIM_NO_DEVICE", 0)) n = 0;
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!visible) return n;
  int count = 0;
  while (*visible >= '0' && *visible <= '9') {  // the list ends at its first entry that is no device
    char* end;
    if (std::strtol(visible, &end, 10) >= n) break;
    count++;
    visible = *end == ',' ? end + 1 : "";
  }
  return count;
}

// ---- memory

bool inside(const Machine& m, uintptr_t at, size_t size) {
  auto it = m.memory.upper_bound(at);
  if (it == m.memory.begin()) return false;
  --it;
  return at + size >= at && at + size <= it->first + it->second.size;
}

bool is_pinned(const Machine& m, const void* at, size_t size) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(at);
  auto it = m.pinned.upper_bound(address);
  if (it == m.pinned.begin()) return false;
  --it;
  return address + size <= it->first + it->second;
}

// Work begins: what was to be read from pinned memory is read now.
void begin_work(Machine& m) {
  m.ticket++;
  for (const Upload& u : m.uploads) std::memcpy(u.to, u.from, u.size);
  m.uploads.clear();
}

// The host has waited for the work up to a ticket: copies to pinned memory have arrived.
void arrive(Machine& m, uint64_t ticket) {
  while (!m.arrivals.empty() && m.arrivals.front().ticket <= ticket) {
    const Arrival& a = m.arrivals.front();
    std::memcpy(a.to, a.bytes.data(), a.bytes.size());
    m.arrivals.pop_front();
  }
  for (auto it = m.read_from.begin(); it != m.read_from.end();)
    it = it->second.second <= ticket ? m.read_from.erase(it) : std::next(it);
}

// Whether a copy reads from this pinned memory, as far as the host knows.
bool still_read(const Machine& m, uintptr_t at, size_t size) {
  const auto after = m.read_from.lower_bound(at);
  if (after != m.read_from.end() && after->first < at + size) return true;
  if (after == m.read_from.begin()) return false;
  const auto before = std::prev(after);
  return before->first + before->second.first > at;
}

// ---- host functions

bool host_functions_done(Machine& m, uint64_t ticket) {
  std::lock_guard<std::mutex> lock(m.host_mutex);
  return m.host_queue.empty() || m.host_queue.front().ticket > ticket;
}

void wait_for(Machine& m, uint64_t ticket) {
  begin_work(m);
  m.mutex.unlock();  // other threads go on meanwhile
  std::unique_lock<std::mutex> lock(m.host_mutex);
  m.host_changed.wait(lock, [&] { return m.host_queue.empty() || m.host_queue.front().ticket > ticket; });
  lock.unlock();
  m.mutex.lock();
  arrive(m, ticket);
}

void run_host_functions() {
  Machine& m = machine();
  in_host_function = true;
  for (;;) {
    std::unique_lock<std::mutex> lock(m.host_mutex);
    m.host_changed.wait(lock, [&] { return !m.host_queue.empty(); });
    const HostFunction f = m.host_queue.front();
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    f.call(f.data);
    lock.lock();
    m.host_queue.pop_front();
    m.host_changed.notify_all();
  }
}

// ---- launching

struct sigaction fault_before;

// A kernel has touched memory that is not there. Says which one, and ends the process.
void on_fault(int, siginfo_t* info, void*) {
  char text[64];
  const char* stack = static_cast<const char*>(info->si_addr);
  const shim::State& s = shim::state();
  if (stack >= s.stacks && stack < s.stacks + s.stacks_size) shim::die("the stack overflows", s.current);
  std::snprintf(text, sizeof text, "an illegal memory access at %p", info->si_addr);
  shim::die(text, s.current);
}

// Runs a kernel with a handler for its faults. The handler has a stack of its own, as that of a fiber may be the fault.
void run_guarded(const Function& f, shim::Index3 grid, shim::Index3 block, size_t shared, void** args) {
  static char* handler_stack = new char[64 << 10];
  stack_t stack{}, stack_before;
  stack.ss_sp = handler_stack;
  stack.ss_size = 64 << 10;
  sigaltstack(&stack, &stack_before);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &fault_before);
  shim::run(f.name.c_str(), grid, block, shared, [&] { f.info->call(args); });
  sigaction(SIGSEGV, &fault_before, nullptr);
  sigaltstack(&stack_before, nullptr);
}

// Memory between the end of an allocation and its guard page holds what it held before: a kernel has not written there
// through one of its arguments.
void check_ends(const Machine& m, const Function& f, void** args) {
  for (size_t i = 0; i < f.info->parameters.size(); i++) {
    if (f.info->parameters[i].size != sizeof(uintptr_t)) continue;
    auto it = m.memory.upper_bound(*static_cast<uintptr_t*>(args[i]));
    if (it == m.memory.begin()) continue;
    --it;
    const char* base = reinterpret_cast<const char*>(it->first);
    for (size_t at = it->second.size; at % kGranule; at++)
      if (base[at] != '\xff') shim::die("wrote beyond the end of its argument " + std::to_string(i), 0);
  }
}

void write_json(const char* setting_name, const std::string& text) {
  const char* file = std::getenv(setting_name);
  FILE* out = file && *file ? std::fopen(file, "w") : nullptr;
  if (!out) return;
  std::fputs(text.c_str(), out);
  std::fclose(out);
}

void at_exit() {
  Machine& m = machine();
  size_t bytes = 0, pinned = 0;
  for (const auto& [at, a] : m.memory) bytes += a.size;
  for (const auto& [at, size] : m.pinned) pinned += size;
  write_json("GPT_SIM_LEAKS", "{\"allocations\":" + std::to_string(m.memory.size()) + ",\"bytes\":" +
                                  std::to_string(bytes) + ",\"pinned\":" + std::to_string(pinned) + "}\n");
  std::string text;
  for (const auto& [name, s] : m.statistics)
    text += (text.empty() ? "" : ",\n ") + ("\"" + name) + "\":{\"launches\":" + std::to_string(s.launches) +
            ",\"seconds\":" + std::to_string(s.seconds) + "}";
  write_json("GPT_SIM_STATS", "{" + text + "}\n");
}

}  // namespace

// ---- for the simulated cuBLASLt and for tests

// Whether [at, at + size) lies inside one live allocation.
API bool gpt_sim_inside(const void* at, size_t size) {
  Machine& m = machine();
  Lock lock(m.mutex);
  return inside(m, reinterpret_cast<uintptr_t>(at), size);
}

// Asks to run work of this name: 0 run it, 1 pretend to, else the error of earlier work.
API int gpt_sim_begin(const char* name) {
  Machine& m = machine();
  Lock lock(m.mutex);
  if (m.sticky) return m.sticky;
  begin_work(m);
  m.statistics[name].launches++;
  if (m.fail_kernel == name && ++m.fail_seen == m.fail_at) {
    m.sticky = kIllegalAddress;
    return 1;
  }
  return m.empty;
}

API void gpt_sim_end(const char* name, double seconds) {
  Machine& m = machine();
  Lock lock(m.mutex);
  m.statistics[name].seconds += seconds;
}

API void gpt_sim_live(size_t* count, size_t* bytes) {
  Machine& m = machine();
  Lock lock(m.mutex);
  *count = m.memory.size();
  *bytes = 0;
  for (const auto& [at, a] : m.memory) *bytes += a.size;
}

// ---- the driver and its devices

API int cuInit(unsigned flags) {
  Machine& m = machine();
  Lock lock(m.mutex);
  if (flags) return misuse(kInvalidValue, "cuInit: flags must be 0");
  if (!device_count()) return kNoDevice;
  if (m.initialized) return kSuccess;
  m.initialized = true;
  m.empty = setting("GPT_SIM_EMPTY", 0);
  m.total = setting("GPT_SIM_MEMORY", m.total);
  m.fail_alloc = setting("GPT_SIM_FAIL_ALLOC", m.fail_alloc);
  if (const char* fail = std::getenv("GPT_SIM_FAIL")) {
    m.fail_kernel = fail;
    const size_t colon = m.fail_kernel.find(':');
    m.fail_at = colon == std::string::npos ? 1 : std::strtoull(fail + colon + 1, nullptr, 10);
    m.fail_kernel = m.fail_kernel.substr(0, colon);
  }
  std::atexit(at_exit);
  return kSuccess;
}

API int cuDriverGetVersion(int* version) {  // needs no cuInit
  *version = static_cast<int>(setting("GPT_SIM_DRIVER", 13000));
  return kSuccess;
}

API int cuDeviceGetCount(int* count) {
  if (!machine().initialized) return kNotInitialized;
  *count = device_count();
  return kSuccess;
}

API int cuDeviceGet(int* device, int ordinal) {
  if (!machine().initialized) return kNotInitialized;
  if (ordinal < 0 || ordinal >= device_count()) return kInvalidDevice;
  *device = ordinal;
  return kSuccess;
}

API int cuDeviceGetName(char* name, int length, int device) {
  if (!machine().initialized) return kNotInitialized;
  if (device < 0 || device >= device_count()) return kInvalidDevice;
  std::snprintf(name, length, "Simulated GPU");
  return kSuccess;
}

API int cuDeviceGetAttribute(int* value, int attribute, int device) {
  if (!machine().initialized) return kNotInitialized;
  if (device < 0 || device >= device_count()) return kInvalidDevice;
  static const std::map<int, int> fixed = {
      {1, 1024},        // threads a block
      {2, 1024},        // block x
      {3, 1024},        // block y
      {4, 64},          // block z
      {5, 0x7fffffff},  // grid x
      {6, 65535},       // grid y
      {7, 65535},       // grid z
      {8, kStaticShared},
      {10, 32},       // lanes a warp
      {12, 65536},    // registers a block
      {13, 1980000},  // kHz
      {18, 0},        // integrated
      {32, 1},        // ECC
      {33, 1},        // PCI bus, device, domain
      {34, 0},
      {36, 2619000},   // memory, kHz
      {37, 5120},      // memory bus, bits
      {38, 50 << 20},  // L2, bytes
      {39, 2048},      // threads a multiprocessor
      {50, 0},
      {82, 65536},  // registers a multiprocessor
  };
  if (attribute == 16)
    *value = static_cast<int>(setting("GPT_SIM_SMS", 3));
  else if (attribute == 75 || attribute == 76)
    *value = attribute == 75 ? compute_capability() / 10 : compute_capability() % 10;
  else if (attribute == 81 || attribute == 97)  // of a multiprocessor, of a block that asks
    *value = shared_limit() + (attribute == 81 ? 1 << 10 : 0);
  else if (const auto it = fixed.find(attribute); it != fixed.end())
    *value = it->second;
  else
    return misuse(kInvalidValue, "cuDeviceGetAttribute: no attribute %d", attribute);
  return kSuccess;
}

API int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  Machine& m = machine();
  if (!m.initialized) return kNotInitialized;
  if (device < 0 || device >= device_count()) return kInvalidDevice;
  *bytes = m.total;
  return kSuccess;
}

API int cuDevicePrimaryCtxRetain(const void** context, int device) {
  Machine& m = machine();
  Lock lock(m.mutex);
  if (!m.initialized) return kNotInitialized;
  if (device < 0 || device >= device_count()) return kInvalidDevice;
  m.retained++;
  *context = &kContext;
  return kSuccess;
}

API int cuDevicePrimaryCtxRelease_v2(int device) {
  Machine& m = machine();
  Lock lock(m.mutex);
  if (device < 0 || device >= device_count()) return kInvalidDevice;
  if (!m.retained) return misuse(kInvalidContext, "cuDevicePrimaryCtxRelease: not retained");
  m.retained--;
  return kSuccess;
}

API int cuCtxSetCurrent(const void* context) {
  Machine& m = machine();
  Lock lock(m.mutex);
  if (in_host_function) return misuse(kNotPermitted, "cuCtxSetCurrent in a host function");
  if (context && (context != &kContext || !m.retained)) return misuse(kInvalidContext, "cuCtxSetCurrent: no context");
  current_context = context;
  return kSuccess;
}

API int cuCtxSynchronize() {
  ENTER(if (m.sticky) return m.sticky;)
  wait_for(m, m.ticket);
  return kSuccess;
}

API int cuGetErrorName(int code, const char** name) {
  *name = nullptr;
  for (const Error& e : kErrors)
    if (e.code == code) *name = e.name;
  return *name ? kSuccess : kInvalidValue;
}

API int cuGetErrorString(int code, const char** text) {
  *text = nullptr;
  for (const Error& e : kErrors)
    if (e.code == code) *text = e.text;
  return *text ? kSuccess : kInvalidValue;
}

// ---- modules

API int cuModuleLoadData(const void** module, const void* image) {
  ENTER(if (m.sticky) return m.sticky;)
  if (!image) return misuse(kInvalidValue, "cuModuleLoadData: no image");
  const bool cubin = std::memcmp(image, "\177ELF", 4) == 0;
  const bool ptx = !cubin && std::strstr(static_cast<const char*>(image), ".version");
  if (!ptx && setting("GPT_SIM_BAD_IMAGE", 0)) return kNoBinaryForGpu;
  *module = &m;
  return kSuccess;
}

API int cuModuleLoadDataEx(const void** module, const void* image, unsigned, int*, void**) {
  return cuModuleLoadData(module, image);
}

API int cuModuleGetFunction(Function** function, const void* module, const char* name) {
  ENTER(if (module != &m) return misuse(kInvalidHandle, "cuModuleGetFunction: no such module");)
  const auto it = shim::kernels().find(name);
  if (it == shim::kernels().end()) return kNotFound;
  *function = &m.functions.insert({name, Function{name, &it->second, kStaticShared}}).first->second;
  return kSuccess;
}

API int cuFuncSetAttribute(Function* function, int attribute, int value) {
  ENTER()
  constexpr int kMaxDynamicShared = 8;
  if (attribute != kMaxDynamicShared || value < 0 || value > shared_limit())
    return misuse(kInvalidValue, "cuFuncSetAttribute: %s, attribute %d = %d", function->name.c_str(), attribute, value);
  function->shared_limit = std::max<size_t>(value, kStaticShared);
  return kSuccess;
}

API int cuFuncGetParamInfo(Function* function, size_t index, size_t* offset, size_t* size) {
  ENTER()
  const std::vector<shim::Parameter>& parameters = function->info->parameters;
  if (index >= parameters.size()) return kInvalidValue;
  size_t at = 0;
  for (size_t i = 0;; at += parameters[i++].size) {
    at = (at + parameters[i].alignment - 1) / parameters[i].alignment * parameters[i].alignment;
    if (i == index) break;
  }
  *offset = at;
  if (size) *size = parameters[index].size;
  return kSuccess;
}

// ---- memory

API int cuMemAlloc_v2(uintptr_t* address, size_t size) {
  ENTER(if (m.sticky) return m.sticky;)
  if (!size) return misuse(kInvalidValue, "cuMemAlloc of 0 bytes");
  const size_t rounded = (size + kGranule - 1) / kGranule * kGranule;
  if (rounded < size || rounded > m.total - m.used || ++m.allocations >= m.fail_alloc) return kOutOfMemory;
  const size_t body = (rounded + kPage - 1) / kPage * kPage;
  void* mapping = mmap(nullptr, body + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return kOutOfMemory;
  // ends at the guard page, but for what alignment needs
  char* data = static_cast<char*>(mapping) + body - rounded;
  if (!m.empty) {
    mprotect(mapping, body, PROT_READ | PROT_WRITE);
    std::memset(data, 0xff, rounded);
  }
  m.used += rounded;
  *address = reinterpret_cast<uintptr_t>(data);
  m.memory[*address] = {size, body + kPage, mapping};
  return kSuccess;
}

API int cuMemFree_v2(uintptr_t address) {
  ENTER()
  if (!address) return m.sticky;
  const auto it = m.memory.find(address);
  if (it == m.memory.end()) return misuse(kInvalidValue, "cuMemFree of what cuMemAlloc has not given");
  wait_for(m, m.ticket);
  munmap(it->second.mapping, it->second.mapped);
  m.used -= (it->second.size + kGranule - 1) / kGranule * kGranule;
  m.memory.erase(it);
  return m.sticky;
}

API int cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTER(if (m.sticky) return m.sticky;)
  *free = m.total - m.used;
  *total = m.total;
  return kSuccess;
}

API int cuMemHostAlloc(void** data, size_t size, unsigned flags) {
  ENTER(if (m.sticky) return m.sticky;)
  if (!size || flags > 7) return misuse(kInvalidValue, "cuMemHostAlloc: size or flags");
  *data = std::aligned_alloc(kPage, (size + kPage - 1) / kPage * kPage);
  if (!*data) return kOutOfMemory;
  std::memset(*data, 0xff, size);
  m.pinned[reinterpret_cast<uintptr_t>(*data)] = size;
  return kSuccess;
}

API int cuMemFreeHost(void* data) {
  ENTER()
  if (!m.pinned.count(reinterpret_cast<uintptr_t>(data)))
    return misuse(kInvalidValue, "cuMemFreeHost of what cuMemHostAlloc has not given");
  wait_for(m, m.ticket);
  m.pinned.erase(reinterpret_cast<uintptr_t>(data));
  std::free(data);
  return m.sticky;
}

API int cuMemcpyHtoDAsync_v2(uintptr_t to, const void* from, size_t size, void* stream) {
  ENTER_STREAM(stream)
  if (!inside(m, to, size)) return misuse(kInvalidValue, "cuMemcpyHtoDAsync: not inside an allocation");
  begin_work(m);
  if (m.empty) return kSuccess;
  if (!is_pinned(m, from, size)) {
    std::memcpy(reinterpret_cast<void*>(to), from, size);
    return kSuccess;
  }
  const uintptr_t at = reinterpret_cast<uintptr_t>(from);
  if (still_read(m, at, size)) return misuse(kInvalidValue, "pinned memory is written again while a copy reads it");
  m.read_from[at] = {size, m.ticket};
  m.uploads.push_back({reinterpret_cast<void*>(to), from, size});
  return kSuccess;
}

API int cuMemcpyDtoHAsync_v2(void* to, uintptr_t from, size_t size, void* stream) {
  ENTER_STREAM(stream)
  if (!inside(m, from, size)) return misuse(kInvalidValue, "cuMemcpyDtoHAsync: not inside an allocation");
  begin_work(m);
  const char* data = reinterpret_cast<const char*>(from);
  if (is_pinned(m, to, size)) {
    m.arrivals.push_back({m.ticket, to, m.empty ? std::vector<char>(size) : std::vector<char>(data, data + size)});
    std::memset(to, 0xff, size);
  } else if (m.empty) {
    std::memset(to, 0, size);
  } else {
    std::memcpy(to, data, size);
  }
  return kSuccess;
}

API int cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t size, void* stream) {
  ENTER_STREAM(stream)
  if (!inside(m, to, size) || !inside(m, from, size))
    return misuse(kInvalidValue, "cuMemcpyDtoDAsync: not inside an allocation");
  if (to < from + size && from < to + size && size) return misuse(kInvalidValue, "cuMemcpyDtoDAsync: overlap");
  begin_work(m);
  if (!m.empty) std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), size);
  return kSuccess;
}

API int cuMemsetD8Async(uintptr_t to, unsigned char value, size_t size, void* stream) {
  ENTER_STREAM(stream)
  if (!inside(m, to, size)) return misuse(kInvalidValue, "cuMemsetD8Async: not inside an allocation");
  begin_work(m);
  if (!m.empty) std::memset(reinterpret_cast<void*>(to), value, size);
  return kSuccess;
}

// ---- streams, kernels, host functions

API int cuStreamCreate(void** stream, unsigned flags) {
  ENTER(if (m.sticky) return m.sticky; if (flags > 1) return misuse(kInvalidValue, "cuStreamCreate: flags");)
  *stream = new char;
  m.streams.insert(*stream);
  return kSuccess;
}

API int cuStreamDestroy_v2(void* stream) {
  ENTER(if (!m.streams.count(stream)) return misuse(kInvalidHandle, "cuStreamDestroy: no such stream");)
  m.streams.erase(stream);
  delete static_cast<char*>(stream);
  return m.sticky;
}

API int cuStreamSynchronize(void* stream) {
  ENTER_STREAM(stream)
  wait_for(m, m.ticket);
  return kSuccess;
}

API int cuStreamQuery(void* stream) {
  ENTER_STREAM(stream)
  if (!host_functions_done(m, m.ticket)) return kNotReady;
  wait_for(m, m.ticket);
  return kSuccess;
}

API int cuLaunchKernel(Function* f, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                       unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** args,
                       void** extra) {
  ENTER_STREAM(stream)
  const char* name = f->name.c_str();
  const uint64_t threads = uint64_t{block_x} * block_y * block_z;
  if (!grid_x || !grid_y || !grid_z || !threads || grid_x > 0x7fffffffu || grid_y > 65535 || grid_z > 65535)
    return misuse(kInvalidValue, "%s: a grid of %u,%u,%u blocks", name, grid_x, grid_y, grid_z);
  if (block_z > 64 || threads > 1024 || threads > static_cast<uint64_t>(f->info->threads))
    return misuse(kInvalidValue, "%s: %u,%u,%u threads a block; it is compiled for at most %d", name, block_x, block_y,
                  block_z, f->info->threads);
  if (shared_bytes > f->shared_limit)
    return misuse(kInvalidValue, "%s: %u bytes of shared memory; it may use %zu", name, shared_bytes, f->shared_limit);
  if (extra || (!args && !f->info->parameters.empty()))
    return misuse(kInvalidValue, "%s: arguments must come by kernelParams", name);
  if (gpt_sim_begin(name)) return kSuccess;
  const auto start = std::chrono::steady_clock::now();
  run_guarded(*f, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes, args);
  check_ends(m, *f, args);
  gpt_sim_end(name, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return kSuccess;
}

API int cuLaunchHostFunc(void* stream, void (*function)(void*), void* data) {
  ENTER_STREAM(stream)
  begin_work(m);
  std::lock_guard<std::mutex> host_lock(m.host_mutex);
  if (!m.host_thread) {
    std::thread(run_host_functions).detach();
    m.host_thread = true;
  }
  arrive(m, m.ticket);  // the function may look at what was copied before it
  m.host_queue.push_back({m.ticket, function, data});
  m.host_changed.notify_all();
  return kSuccess;
}

// ---- events

API int cuEventCreate(Event** event, unsigned flags) {
  ENTER(if (m.sticky) return m.sticky; if (flags > 7) return misuse(kInvalidValue, "cuEventCreate: flags");)
  constexpr unsigned kDisableTiming = 2;
  *event = new Event{!(flags & kDisableTiming)};
  m.events.insert(*event);
  return kSuccess;
}

API int cuEventRecord(Event* event, void* stream) {
  ENTER_STREAM(stream)
  if (!m.events.count(event)) return misuse(kInvalidHandle, "cuEventRecord: no such event");
  begin_work(m);
  event->recorded = true;
  event->ticket = m.ticket;
  event->time = std::chrono::steady_clock::now();
  return kSuccess;
}

API int cuEventQuery(Event* event) {
  ENTER(if (m.sticky) return m.sticky;)
  if (!m.events.count(event)) return misuse(kInvalidHandle, "cuEventQuery: no such event");
  if (!host_functions_done(m, event->ticket)) return kNotReady;
  wait_for(m, event->ticket);
  return kSuccess;
}

API int cuEventSynchronize(Event* event) {
  ENTER(if (m.sticky) return m.sticky;)
  if (!m.events.count(event)) return misuse(kInvalidHandle, "cuEventSynchronize: no such event");
  wait_for(m, event->ticket);
  return kSuccess;
}

API int cuEventElapsedTime(float* milliseconds, Event* start, Event* end) {
  ENTER(if (m.sticky) return m.sticky;)
  for (Event* event : {start, end}) {
    if (!m.events.count(event) || !event->timed || !event->recorded)
      return misuse(kInvalidHandle, "cuEventElapsedTime: an event without a time");
    if (!host_functions_done(m, event->ticket)) return kNotReady;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return kSuccess;
}
API int cuEventElapsedTime_v2(float* milliseconds, Event* start, Event* end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

API int cuEventDestroy_v2(Event* event) {
  ENTER(if (!m.events.count(event)) return misuse(kInvalidHandle, "cuEventDestroy: no such event");)
  m.events.erase(event);
  delete event;
  return m.sticky;
}
