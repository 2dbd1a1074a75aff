// The scheduler of the shim, and the collectives that are too long for its header. See shim.h.
#include "shim.h"

#include <sys/mman.h>

namespace shim {

std::map<std::string, KernelInfo>& kernels() {
  static std::map<std::string, KernelInfo> table;
  return table;
}

void die(const std::string& what, unsigned thread) {
  const State& s = state();
  std::fprintf(stderr, "shim: %s: %s (block %u,%u,%u, thread %u)\n", s.kernel, what.c_str(), s.block_index.x,
               s.block_index.y, s.block_index.z, thread);
  std::abort();
}

// ---- what -fsanitize=alignment,bounds of the kernels' objects calls

namespace {

struct Place {
  const char* file;
  uint32_t line, column;
};

[[noreturn]] void die_at(const char* what, const Place& place) {
  die(std::string(what) + " at " + place.file + ":" + std::to_string(place.line), state().current);
}

}  // namespace

extern "C" [[noreturn]] void __ubsan_handle_type_mismatch_v1_abort(const Place* place, uintptr_t) {
  die_at("a misaligned address", *place);
}
extern "C" [[noreturn]] void __ubsan_handle_out_of_bounds_abort(const Place* place, uintptr_t) {
  die_at("an index outside of its array", *place);
}

// ---- fibers

namespace {

// Leaves this stack, whose pointer is saved, for another one. In line and by a jump: returns that a CPU does not
// predict would be half of the time of a collective.
inline __attribute__((always_inline)) void switch_stack(void** save, void* to) {
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n"  // the red zone
      "pushq %%rbp\n"
      "leaq 1f(%%rip), %%rax\n"
      "pushq %%rax\n"
      "movq %%rsp, (%0)\n"
      "movq %1, %%rsp\n"
      "popq %%rax\n"
      "jmpq *%%rax\n"
      "1:\n"
      "popq %%rbp\n"
      "leaq 128(%%rsp), %%rsp\n"
      : "+D"(save), "+S"(to)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
}

// A fiber's stack: its lowest page belongs to nobody, which finds an overflow.
constexpr size_t kPage = 4096, kStack = 17 * kPage;

inline void yield() {
  State& s = state();
  switch_stack(&s.fibers[s.current].stack_pointer, s.scheduler);
}

void entry() {
  state().body();
  state().fibers[state().current].done = true;
  yield();
  std::abort();
}

inline void resume(unsigned thread) {
  State& s = state();
  s.current = thread;
  if (s.block.x == s.threads)
    s.thread_index.x = thread;
  else
    s.thread_index = {thread % s.block.x, thread / s.block.x % s.block.y, thread / s.block.x / s.block.y};
  switch_stack(&s.scheduler, s.fibers[thread].stack_pointer);
}

unsigned random_below(unsigned n) {
  State& s = state();
  s.seed = s.seed * 6364136223846793005ull + 1442695040888963407ull;
  return static_cast<unsigned>((s.seed >> 33) % n);
}

// Lets the lanes of one warp go whose meeting is complete. Whether there were any.
bool release_warp(unsigned warp) {
  State& s = state();
  const unsigned first = warp * 32, last = std::min(first + 32, s.threads);
  bool any = false;
  for (unsigned i = first; i < last; i++) {
    if (s.fibers[i].done || s.fibers[i].wait != Wait::warp) continue;
    const uint32_t mask = s.fibers[i].mask;
    bool complete = true;
    for (unsigned j = first; j < last && complete; j++) {
      if (!(mask >> (j - first) & 1)) continue;
      const Fiber& other = s.fibers[j];
      if (other.done || other.wait != Wait::warp)
        complete = false;
      else if (other.mask != mask || other.site != s.fibers[i].site)
        die("lanes of one mask meet at different collectives", j);
    }
    if (!complete) continue;
    uint32_t votes = 0;
    for (unsigned j = first; j < last; j++) votes |= static_cast<uint32_t>(s.fibers[j].give & 1) << (j - first);
    for (unsigned j = first; j < last; j++) {
      Fiber& f = s.fibers[j];
      if (!(mask >> (j - first) & 1)) continue;
      f.wait = Wait::none;
      f.got = s.fibers[first + f.from].give;
      f.votes = votes & mask;
    }
    any = true;
  }
  return any;
}

bool release_block() {
  State& s = state();
  const void* site = nullptr;
  bool some = false, finished = false;
  for (unsigned i = 0; i < s.threads; i++) {
    const Fiber& f = s.fibers[i];
    if (f.done) {
      finished = true;
      continue;
    }
    if (f.wait != Wait::block) return false;
    if (some && site != f.site) die("threads meet at different __syncthreads", i);
    site = f.site;
    some = true;
  }
  if (!some) return false;
  if (finished) die("__syncthreads after some threads have returned", 0);
  for (unsigned i = 0; i < s.threads; i++) s.fibers[i].wait = Wait::none;
  return true;
}

bool release_all() {
  bool any = false;
  for (unsigned w = 0; w * 32 < state().threads; w++) any |= release_warp(w);
  return release_block() || any;
}

[[noreturn]] void deadlock() {
  for (unsigned i = 0; i < state().threads; i++)
    if (!state().fibers[i].done) die("deadlock: a barrier or collective that not all its threads reach", i);
  std::abort();
}

// Resumes a fiber if it can run. Whether it has run; sets `left` if it is unfinished.
bool step(unsigned thread, bool& left) {
  const Fiber& f = state().fibers[thread];
  if (f.done) return false;
  left = true;
  if (f.wait != Wait::none) return false;
  resume(thread);
  return true;
}

// 0 .. n - 1 in some order
void arrange(std::vector<unsigned>& order, unsigned n, bool reverse, bool shuffle) {
  order.resize(n);
  for (unsigned i = 0; i < n; i++) order[i] = reverse ? n - 1 - i : i;
  if (shuffle)
    for (unsigned i = n; i > 1; i--) std::swap(order[i - 1], order[random_below(i)]);
}

void run_threads_in_turn() {
  State& s = state();
  std::vector<unsigned> order;
  for (;;) {
    if (order.empty() || s.order == Order::random)
      arrange(order, s.threads, s.order == Order::reverse, s.order == Order::random);
    bool left = false, ran = false;
    for (unsigned i : order) ran |= step(i, left);
    if (!left) return;
    if (!release_all() && !ran) deadlock();
  }
}

void run_warps_greedily() {
  State& s = state();
  std::vector<unsigned> order;
  for (;;) {
    bool any_left = false, any_ran = false;
    arrange(order, (s.threads + 31) / 32, s.order == Order::greedy_reverse, s.order == Order::greedy_random);
    for (unsigned w : order) {
      bool ran;
      do {
        ran = false;
        for (unsigned i = w * 32; i < std::min(s.threads, w * 32 + 32); i++) ran |= step(i, any_left);
        any_ran |= ran;
      } while (release_warp(w) || ran);
    }
    if (!any_left) return;
    if (!release_all() && !any_ran) deadlock();
  }
}

void run_block() {
  State& s = state();
  std::memset(s.shared, 0xff, s.shared_size);  // NaN
  for (unsigned i = 0; i < s.threads; i++) {
    // staggered, or the tops of all stacks would share a few sets of the cache
    const size_t end = size_t{i + 1} * kStack - i % 16 * 192;
    uintptr_t top = reinterpret_cast<uintptr_t>(s.stacks + end) & ~uintptr_t{15};
    void** sp = reinterpret_cast<void**>(top);
    *--sp = nullptr;
    *--sp = reinterpret_cast<void*>(&entry);
    s.fibers[i] = {sp, Wait::none, nullptr, 0, false, 0, 0, 0, 0, 0};
    s.groups[i] = 0;
  }
  if (s.order >= Order::greedy)
    run_warps_greedily();
  else
    run_threads_in_turn();
  for (unsigned i = 0; i < s.threads; i++)
    if (!s.copies[i].empty()) die("an asynchronous copy is never waited for", i);
}

Order order_of(const char* name) {
  const char* names[] = {"forward", "reverse", "random", "greedy", "greedy-reverse", "greedy-random"};
  for (int i = 0; i < 6; i++)
    if (name && std::string(name) == names[i]) return static_cast<Order>(i);
  return Order::forward;
}

}  // namespace

void run(const char* kernel, Index3 grid, Index3 block, size_t shared_bytes, std::function<void()> body) {
  State& s = state();
  s.kernel = kernel;
  s.grid = grid;
  s.block = block;
  s.thread_index = {0, 0, 0};
  s.threads = block.x * block.y * block.z;
  s.order = order_of(std::getenv("GPT_SIM_ORDER"));
  const char* copies = std::getenv("GPT_SIM_COPIES");
  s.early_copies = copies && std::string(copies) == "early";
  s.fibers.resize(s.threads);
  s.slots.resize(s.threads * 2 * kSlot);
  s.copies.resize(s.threads);
  s.groups.resize(s.threads);
  if (s.stacks_size < s.threads * kStack) {
    if (s.stacks) munmap(s.stacks, s.stacks_size);
    s.stacks_size = s.threads * kStack;
    s.stacks = static_cast<char*>(
        mmap(nullptr, s.stacks_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (s.stacks == MAP_FAILED) die("no memory for the stacks", 0);
    for (size_t i = 0; i < s.threads; i++) mprotect(s.stacks + i * kStack, kPage, PROT_NONE);
  }
  // a guard of NaN behind what the launch asked for: who writes there is found, who reads there gets NaN
  constexpr size_t kGuard = 4096;
  static const std::string untouched(kGuard, '\xff');
  s.shared_size = (shared_bytes + 15) / 16 * 16 + kGuard;
  s.shared_storage.resize(s.shared_size + 16);
  s.shared = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(s.shared_storage.data()) + 15) & ~uintptr_t{15});
  s.body = std::move(body);
  for (unsigned z = 0; z < grid.z; z++) {
    for (unsigned y = 0; y < grid.y; y++) {
      for (unsigned x = 0; x < grid.x; x++) {
        s.block_index = {x, y, z};
        run_block();
        if (std::memcmp(s.shared + s.shared_size - kGuard, untouched.data(), kGuard))
          die("wrote beyond its shared memory", 0);
      }
    }
  }
}

void block_barrier(const void* site) {
  Fiber& me = state().fibers[state().current];
  me.wait = Wait::block;
  me.site = site;
  yield();
}

uint64_t warp_exchange(uint32_t mask, const void* site, uint64_t give, unsigned from) {
  Fiber& me = state().fibers[state().current];
  if (!(mask >> lane() & 1)) die("a collective whose mask leaves out the lane that calls it", state().current);
  if (!(mask >> from & 1)) die("a shuffle reads a lane outside its mask", state().current);
  me.wait = Wait::warp;
  me.mask = mask;
  me.site = site;
  me.give = give;
  me.from = from;
  yield();
  return me.got;
}

uint32_t ballot(uint32_t mask, bool value, const void* site) {
  warp_exchange(mask, site, value, lane());
  return state().fibers[state().current].votes;
}

// ---- tensor cores: register layouts of the PTX ISA

namespace {

// What this lane shows to the whole warp at its next collective. There are two, used in turn: a lane that has gone
// ahead to the next one leaves alone what the others still read.
float* show() {
  State& s = state();
  return &s.slots[(s.current * 2 + (s.fibers[s.current].exchanges++ % 2)) * kSlot];
}

// What a lane of this warp has shown at the last collective.
const float* shown(unsigned lane_of_warp) {
  const State& s = state();
  return &s.slots[((s.current & ~31u) + lane_of_warp) * 2 * kSlot + (s.fibers[s.current].exchanges - 1) % 2 * kSlot];
}

constexpr uint32_t kAll = 0xffffffffu;

}  // namespace

void mma_16x8x16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  float* mine = show();  // a: 8 numbers, b: 4
  const uint32_t words[6] = {a[0], a[1], a[2], a[3], b0, b1};
  for (int i = 0; i < 6; i++) {
    mine[i * 2] = float_of(words[i] << 16);
    mine[i * 2 + 1] = float_of(words[i] & 0xffff0000u);
  }
  warp_exchange(kAll, __builtin_return_address(0), 0, lane());
  const unsigned group = lane() >> 2, t = lane() & 3;
  float A[2][16], B[2][16];
  for (unsigned k = 0; k < 16; k++) {
    const unsigned owner = (k & 7) / 2, high = k >> 3, half = k & 1;
    for (unsigned i = 0; i < 2; i++) {
      A[i][k] = shown(group * 4 + owner)[(i + high * 2) * 2 + half];
      B[i][k] = shown((t * 2 + i) * 4 + owner)[8 + high * 2 + half];
    }
  }
  for (unsigned i = 0; i < 4; i++) {
    float sum = d[i];
    for (unsigned k = 0; k < 16; k++) sum += A[i >> 1][k] * B[i & 1][k];
    d[i] = sum;
  }
}

template <bool transposed>
void load_matrices(uint32_t (&r)[4], const void* row) {
  State& s = state();
  const char* from = static_cast<const char*>(row);
  if (reinterpret_cast<uintptr_t>(row) & 15) die("ldmatrix: an address is not a multiple of 16", s.current);
  if (from < s.shared || from + 16 > s.shared + s.shared_size) die("ldmatrix reads outside shared memory", s.current);
  std::memcpy(show(), row, 16);
  warp_exchange(kAll, __builtin_return_address(0), 0, lane());
  const unsigned l = lane();
  for (unsigned i = 0; i < 4; i++) {
    const auto element = [&](unsigned at, unsigned column) {
      uint16_t value;
      std::memcpy(&value, reinterpret_cast<const char*>(shown(i * 8 + at)) + column * 2, 2);
      return uint32_t{value};
    };
    r[i] = transposed ? element((l & 3) * 2, l >> 2) | element((l & 3) * 2 + 1, l >> 2) << 16
                      : element(l >> 2, (l & 3) * 2) | element(l >> 2, (l & 3) * 2 + 1) << 16;
  }
}
template void load_matrices<false>(uint32_t (&)[4], const void*);
template void load_matrices<true>(uint32_t (&)[4], const void*);

// ---- asynchronous copies

namespace {

void complete(const Copy& c) {
  if (c.ok)
    std::memcpy(c.to, c.from, 16);
  else
    std::memset(c.to, 0, 16);
}

}  // namespace

void copy_async(void* to, const void* from, bool ok) {
  State& s = state();
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) & 15)
    die("cp.async: an address is not a multiple of 16", s.current);
  const char* shared = static_cast<const char*>(to);
  if (shared < s.shared || shared + 16 > s.shared + s.shared_size) die("cp.async outside shared memory", s.current);
  const Copy copy{to, from, ok, s.groups[s.current]};
  if (s.early_copies) complete(copy);
  s.copies[s.current].push_back(copy);
}

void copies_commit() { state().groups[state().current]++; }

void copies_wait_until(int left) {
  State& s = state();
  std::vector<Copy>& copies = s.copies[s.current];
  size_t open = 0;
  for (const Copy& c : copies) {
    if (c.group >= s.groups[s.current] - left)
      copies[open++] = c;
    else if (!s.early_copies)
      complete(c);
  }
  copies.resize(open);
}

}  // namespace shim
