// The scheduler of the shim, and the collectives that are too long for its header. See shim.h.
#include "shim.h"

#include <sys/mman.h>

namespace shim {

State& state() {
  static State s;
  return s;
}

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

// ---- fibers

extern "C" void shim_switch(void** save, void* to);
__asm__(
    ".text\n.globl shim_switch\n.type shim_switch,@function\nshim_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");

namespace {

void yield() {
  State& s = state();
  shim_switch(&s.fibers[s.current].stack_pointer, s.scheduler);
}

void entry() {
  state().body();
  state().fibers[state().current].done = true;
  yield();
  std::abort();
}

void resume(unsigned thread) {
  State& s = state();
  s.current = thread;
  shim_switch(&s.scheduler, s.fibers[thread].stack_pointer);
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
    for (unsigned j = first; j < last; j++)
      if (mask >> (j - first) & 1) s.fibers[j].wait = Wait::none;
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

// Runs every fiber that can, in turn. Whether one ran; `left` tells whether one is unfinished.
bool sweep(const std::vector<unsigned>& order, bool& left) {
  State& s = state();
  bool ran = false;
  left = false;
  for (unsigned i : order) {
    if (s.fibers[i].done) continue;
    left = true;
    if (s.fibers[i].wait != Wait::none) continue;
    resume(i);
    ran = true;
  }
  return ran;
}

std::vector<unsigned> sequence(unsigned n, bool reverse, bool shuffle) {
  std::vector<unsigned> order(n);
  for (unsigned i = 0; i < n; i++) order[i] = reverse ? n - 1 - i : i;
  if (shuffle)
    for (unsigned i = n; i > 1; i--) std::swap(order[i - 1], order[random_below(i)]);
  return order;
}

void run_threads_in_turn() {
  State& s = state();
  std::vector<unsigned> order = sequence(s.threads, s.order == Order::reverse, false);
  for (;;) {
    if (s.order == Order::random) order = sequence(s.threads, false, true);
    bool left;
    const bool ran = sweep(order, left);
    if (!left) return;
    if (!release_all() && !ran) deadlock();
  }
}

void run_warps_greedily() {
  State& s = state();
  const unsigned warps = (s.threads + 31) / 32;
  for (;;) {
    bool any_left = false, any_ran = false;
    for (unsigned w : sequence(warps, s.order == Order::greedy_reverse, s.order == Order::greedy_random)) {
      std::vector<unsigned> lanes;
      for (unsigned i = w * 32; i < std::min(s.threads, w * 32 + 32); i++) lanes.push_back(i);
      bool left, ran;
      do {
        ran = sweep(lanes, left);
        any_left |= left;
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
    uintptr_t top = reinterpret_cast<uintptr_t>(s.stacks + size_t{i + 1} * kStack) & ~uintptr_t{15};
    void** sp = reinterpret_cast<void**>(top);
    *--sp = nullptr;
    *--sp = reinterpret_cast<void*>(&entry);
    for (int k = 0; k < 6; k++) *--sp = nullptr;
    s.fibers[i] = {sp, Wait::none, nullptr, 0, false};
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
  s.threads = block.x * block.y * block.z;
  s.order = order_of(std::getenv("GPT_SIM_ORDER"));
  const char* copies = std::getenv("GPT_SIM_COPIES");
  s.early_copies = copies && std::string(copies) == "early";
  s.fibers.resize(s.threads);
  s.slots.resize(s.threads * kSlot);
  s.copies.resize(s.threads);
  s.groups.resize(s.threads);
  if (s.stacks_size < s.threads * kStack) {
    if (s.stacks) munmap(s.stacks, s.stacks_size);
    s.stacks_size = s.threads * kStack;
    s.stacks = static_cast<char*>(
        mmap(nullptr, s.stacks_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (s.stacks == MAP_FAILED) die("no memory for the stacks", 0);
  }
  // a guard of NaN behind what the launch asked for: who writes there is found, who reads there gets NaN
  constexpr size_t kGuard = 4096;
  s.shared_size = (shared_bytes + 15) / 16 * 16 + kGuard;
  s.shared_storage.resize(s.shared_size + 16);
  s.shared = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(s.shared_storage.data()) + 15) & ~uintptr_t{15});
  s.body = std::move(body);
  for (unsigned z = 0; z < grid.z; z++) {
    for (unsigned y = 0; y < grid.y; y++) {
      for (unsigned x = 0; x < grid.x; x++) {
        s.block_index = {x, y, z};
        run_block();
        for (size_t i = (shared_bytes + 15) / 16 * 16; i < s.shared_size; i++)
          if (s.shared[i] != static_cast<char>(0xff)) die("wrote beyond its shared memory", 0);
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

void warp_barrier(uint32_t mask, const void* site) {
  Fiber& me = state().fibers[state().current];
  me.wait = Wait::warp;
  me.mask = mask;
  me.site = site;
  yield();
}

uint32_t ballot(uint32_t mask, bool value, const void* site) {
  const unsigned base = state().current & ~31u;
  slot(state().current)[0] = value;
  warp_barrier(mask, site);
  uint32_t result = 0;
  for (unsigned i = 0; i < 32; i++)
    if (mask >> i & 1 && slot(base + i)[0]) result |= 1u << i;
  warp_barrier(mask, static_cast<const char*>(site) + 1);
  return result;
}

// ---- tensor cores: register layouts of the PTX ISA

void mma_16x8x16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  const char* site = static_cast<const char*>(__builtin_return_address(0));
  State& s = state();
  uint32_t* mine = reinterpret_cast<uint32_t*>(slot(s.current));
  for (int i = 0; i < 4; i++) mine[i] = a[i];
  mine[4] = b0;
  mine[5] = b1;
  warp_barrier(0xffffffffu, site);
  const unsigned base = s.current & ~31u, group = lane() >> 2, t = lane() & 3;
  const auto reg = [&](unsigned l, unsigned i) { return reinterpret_cast<uint32_t*>(slot(base + l))[i]; };
  const auto half = [](uint32_t word, unsigned k) { return float_of((k & 1 ? word >> 16 : word & 0xffff) << 16); };
  const auto A = [&](unsigned m, unsigned k) {
    return half(reg((m & 7) * 4 + (k & 7) / 2, (m >> 3) + ((k >> 3) << 1)), k);
  };
  const auto B = [&](unsigned k, unsigned n) { return half(reg(n * 4 + (k & 7) / 2, 4 + (k >> 3)), k); };
  for (unsigned i = 0; i < 4; i++) {
    const unsigned m = group + (i >> 1) * 8, n = t * 2 + (i & 1);
    float sum = d[i];
    for (unsigned k = 0; k < 16; k++) sum += A(m, k) * B(k, n);
    d[i] = sum;
  }
  warp_barrier(0xffffffffu, site + 1);
}

template <bool transposed>
void load_matrices(uint32_t (&r)[4], const void* row) {
  const char* site = static_cast<const char*>(__builtin_return_address(0));
  State& s = state();
  const char* from = static_cast<const char*>(row);
  if (reinterpret_cast<uintptr_t>(row) & 15) die("ldmatrix: an address is not a multiple of 16", s.current);
  if (from < s.shared || from + 16 > s.shared + s.shared_size) die("ldmatrix reads outside shared memory", s.current);
  std::memcpy(slot(s.current), &row, sizeof row);
  warp_barrier(0xffffffffu, site);
  const unsigned base = s.current & ~31u, l = lane();
  for (unsigned i = 0; i < 4; i++) {
    const auto element = [&](unsigned at, unsigned column) {
      const uint16_t* p;
      std::memcpy(&p, slot(base + i * 8 + at), sizeof p);
      return uint32_t{p[column]};
    };
    r[i] = transposed ? element((l & 3) * 2, l >> 2) | element((l & 3) * 2 + 1, l >> 2) << 16
                      : element(l >> 2, (l & 3) * 2) | element(l >> 2, (l & 3) * 2 + 1) << 16;
  }
  warp_barrier(0xffffffffu, site + 1);
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
  std::vector<Copy> open;
  for (const Copy& c : s.copies[s.current]) {
    if (c.group >= s.groups[s.current] - left)
      open.push_back(c);
    else if (!s.early_copies)
      complete(c);
  }
  s.copies[s.current].swap(open);
}

}  // namespace shim
