// CUDA kernels on a CPU: the same *.cuda.cu sources compiled by g++.
//
// Every thread of a block is a fiber with a stack of its own (x86-64, System V). Barriers and warp collectives are
// meeting points; between them a fiber runs on its own. Misuse stops the program with a message:
//   - a collective that not all its lanes reach, or lanes that meet at different ones
//   - __syncthreads in divergent control flow, or after some threads have returned
//   - an asynchronous copy that is never waited for, a misaligned address, shared memory beyond what the launch asked
//   for
// Shared memory is NaN at the start of a block. Blocks of a grid run one after the other.
//
// Bugs that depend on timing show by the order of threads and copies (GPT_SIM_ORDER, GPT_SIM_COPIES), which tests vary:
//   forward, reverse, random                     threads run in turn from one meeting point to the next
//   greedy, greedy-reverse, greedy-random        a warp runs as far as it can before the next one starts
//   copies: late (at the wait), early (at once)
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define DEVICE inline
#define KERNEL(threads, name, ...)                                        \
  extern "C" void name(__VA_ARGS__);                                      \
  static const shim::Registered registered_##name(#name, threads, &name); \
  extern "C" void name(__VA_ARGS__)
#define KERNEL_SHARED(type, name) type* name = reinterpret_cast<type*>(shim::state().shared)
#define DEVICE_INFINITY INFINITY
#define __restrict__ __restrict

namespace shim {

struct Index3 {
  unsigned x = 1, y = 1, z = 1;
};

enum class Order { forward, reverse, random, greedy, greedy_reverse, greedy_random };
enum class Wait { none, block, warp };

struct Fiber {
  void* stack_pointer;
  Wait wait;
  const void* site;  // of the meeting point it waits at
  uint32_t mask;     // lanes that meet there
  bool done;
  uint64_t give, got;  // of a shuffle
  unsigned from;       // lane
  uint32_t votes;      // bit 0 of what every lane gives
  unsigned exchanges;  // warp-wide ones by slots so far
};

struct Copy {
  void* to;
  const void* from;
  bool ok;
  int group;
};

// The block that runs.
struct State {
  Index3 grid, block, block_index, thread_index;
  unsigned threads = 0, current = 0;
  std::vector<Fiber> fibers;
  char* stacks = nullptr;
  size_t stacks_size = 0;
  void* scheduler = nullptr;
  std::vector<float> slots;  // two times kSlot numbers a thread: what lanes show each other
  std::vector<char> shared_storage;
  char* shared = nullptr;
  size_t shared_size = 0;
  std::vector<std::vector<Copy>> copies;
  std::vector<int> groups;
  std::function<void()> body;
  const char* kernel = "";
  Order order = Order::forward;
  bool early_copies = false;
  uint64_t seed = 1;
};
inline State the_state;
inline State& state() { return the_state; }

constexpr size_t kSlot = 12;

[[noreturn]] void die(const std::string& what, unsigned thread);
void block_barrier(const void* site);
// Gives a value to the lanes that meet; returns what lane `from` has given.
uint64_t warp_exchange(uint32_t mask, const void* site, uint64_t give, unsigned from);
inline unsigned lane() { return state().current & 31; }

// Runs every block of a grid.
void run(const char* kernel, Index3 grid, Index3 block, size_t shared_bytes, std::function<void()> body);

// ---- kernels by name, for the simulated driver

struct Parameter {
  size_t size, alignment;
};
struct KernelInfo {
  int threads;
  std::vector<Parameter> parameters;
  std::function<void(void**)> call;
};
std::map<std::string, KernelInfo>& kernels();

struct Registered {
  template <class... Args>
  Registered(const char* name, int threads, void (*kernel)(Args...)) {
    kernels()[name] = {threads, {Parameter{sizeof(Args), alignof(Args)}...}, [kernel](void** args) {
                         apply(kernel, args, std::index_sequence_for<Args...>());
                       }};
  }
  template <class... Args, size_t... i>
  static void apply(void (*kernel)(Args...), [[maybe_unused]] void** args, std::index_sequence<i...>) {
    kernel(*static_cast<std::remove_reference_t<Args>*>(args[i])...);
  }
};

// ---- what device.cuh asks for

inline float float_of(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline uint16_t bfloat16_of(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  if ((u & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((u >> 16) | 0x40);
  return static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

template <class T>
T exchange(uint32_t mask, T value, unsigned source, const void* site) {
  static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
  uint64_t raw = 0;
  std::memcpy(&raw, &value, sizeof(T));
  raw = warp_exchange(mask, site, raw, source & 31);
  T result;
  std::memcpy(&result, &raw, sizeof(T));
  return result;
}

uint32_t ballot(uint32_t mask, bool value, const void* site);

__attribute__((noinline)) void mma_16x8x16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <bool transposed>
__attribute__((noinline)) void load_matrices(uint32_t (&r)[4], const void* row);
void copy_async(void* shared, const void* global, bool ok);
void copies_commit();
void copies_wait_until(int left);
template <int left>
void copies_wait() {
  copies_wait_until(left);
}

template <Index3 State::*member>
struct Indices {
  struct X {
    operator unsigned() const { return (state().*member).x; }
  } x;
  struct Y {
    operator unsigned() const { return (state().*member).y; }
  } y;
  struct Z {
    operator unsigned() const { return (state().*member).z; }
  } z;
};

}  // namespace shim

[[maybe_unused]] static const shim::Indices<&shim::State::thread_index> threadIdx;
[[maybe_unused]] static const shim::Indices<&shim::State::block_index> blockIdx;
[[maybe_unused]] static const shim::Indices<&shim::State::block> blockDim;
[[maybe_unused]] static const shim::Indices<&shim::State::grid> gridDim;

// a distinct address per place in the source
#define SHIM_SITE             \
  ([]() -> const void* {      \
    static const char s[4]{}; \
    return s;                 \
  }())
#define __syncthreads() shim::block_barrier(SHIM_SITE)
#define __syncwarp(...) static_cast<void>(shim::warp_exchange(0xffffffffu, SHIM_SITE, 0, shim::lane()))
#define __shfl_sync(mask, value, source) shim::exchange((mask), (value), static_cast<unsigned>(source), SHIM_SITE)
#define __shfl_xor_sync(mask, value, lanes) shim::exchange((mask), (value), shim::lane() ^ (lanes), SHIM_SITE)
#define __shfl_down_sync(mask, value, n) \
  shim::exchange((mask), (value), shim::lane() + (n) < 32 ? shim::lane() + (n) : shim::lane(), SHIM_SITE)
#define __shfl_up_sync(mask, value, n) \
  shim::exchange((mask), (value), shim::lane() >= (n) ? shim::lane() - (n) : shim::lane(), SHIM_SITE)
#define __ballot_sync(mask, value) shim::ballot((mask), (value), SHIM_SITE)

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float x, float y) { return x / y; }
template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T atomicAdd(T* p, T v) {  // integers only: device.cuh
  static_assert(std::is_integral_v<T>, "no float atomics");
  const T old = *p;
  *p += v;
  return old;
}
