// The language of our GPU kernels: what a *.cuda.cu file may use. One source, three compilers:
//
//   nvcc    builds the images that are shipped
//   NVRTC   compiles the same text on a machine with a GPU and without nvcc: so no header of CUDA or of the standard
//           library is included, and types have names of our own
//   g++     runs kernels on a CPU in tests: test/cuda/sim/shim.h stands for the GPU
//
// Rules: shared memory only through KERNEL_SHARED; collectives (__syncthreads, shuffles, mma, ldmatrix) where control
// flow is the same for all their threads; no float atomics, and every sum in an order that does not depend on
// scheduling: results are bitwise reproducible. Kernels compute in float32 whatever they load and store.
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define DEVICE __device__ __forceinline__
// A kernel that the driver finds by name; at most `threads` threads a block.
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)
// The block's dynamic shared memory as an array of a type; once in a kernel.
#define KERNEL_SHARED(type, name)                                    \
  extern __shared__ __align__(16) unsigned char shared_memory_raw[]; \
  type* name = reinterpret_cast<type*>(shared_memory_raw)
#define DEVICE_INFINITY __int_as_float(0x7f800000)
#else
#include "shim.h"
#endif

using u16 = unsigned short;
using u32 = unsigned int;
using i64 = long long;
using u64 = unsigned long long;

constexpr u32 kAllLanes = 0xffffffffu;

// ---- bfloat16

struct alignas(2) bf16 {
  u16 bits;
};

DEVICE float to_float(float x) { return x; }
DEVICE float to_float(int x) { return static_cast<float>(x); }

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
// Its bits are the upper half of the float's: put together in one instruction, also where they are a half of a pack.
DEVICE float to_float(bf16 x) {
  float r;
  asm("mov.b32 %0, {0, %1};" : "=f"(r) : "h"(x.bits));
  return r;
}

// Rounds to nearest, ties to even.
DEVICE bf16 to_bf16(float x) {
  bf16 r;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r.bits) : "f"(x));
  return r;
}

// Two of them in one register, `lo` in the lower half.
DEVICE u32 pack_bf16(float lo, float hi) {
  u32 r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
  return r;
}

// 2^x to about 2 ulp.
DEVICE float exp2_fast(float x) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}
#else
DEVICE float to_float(bf16 x) { return shim::float_of(static_cast<u32>(x.bits) << 16); }
DEVICE bf16 to_bf16(float x) { return {shim::bfloat16_of(x)}; }
DEVICE u32 pack_bf16(float lo, float hi) {
  return static_cast<u32>(to_bf16(lo).bits) | static_cast<u32>(to_bf16(hi).bits) << 16;
}
DEVICE float exp2_fast(float x) { return std::exp2(x); }
#endif

// from_float<float>(x), from_float<bf16>(x): x as it is stored.
template <class T>
DEVICE T from_float(float x);
template <>
DEVICE float from_float<float>(float x) {
  return x;
}
template <>
DEVICE bf16 from_float<bf16>(float x) {
  return to_bf16(x);
}

// One memory access: 16 bytes, or `size` elements. Arrays of packs need a multiple of kSize elements and their
// alignment; tensors are aligned to 16 bytes.
template <class T, int size = 16 / sizeof(T)>
struct alignas(size * sizeof(T)) Pack {
  static constexpr int kSize = size;
  T at[size];
};

// The numbers as they are stored.
template <class T, int size>
DEVICE Pack<T, size> to_pack(const float (&v)[size]) {
  Pack<T, size> pack;
  if constexpr (sizeof(T) == 2 && size % 2 == 0) {
#pragma unroll
    for (int k = 0; k < size; k += 2) {
      const u32 two = pack_bf16(v[k], v[k + 1]);
      pack.at[k].bits = static_cast<u16>(two);
      pack.at[k + 1].bits = static_cast<u16>(two >> 16);
    }
  } else {
#pragma unroll
    for (int k = 0; k < size; k++) pack.at[k] = from_float<T>(v[k]);
  }
  return pack;
}

// ---- sums and maxima

// The sum over the lanes of a warp, in all of them.
DEVICE float warp_sum(float v) {
#pragma unroll
  for (int lanes = 16; lanes; lanes >>= 1) v += __shfl_xor_sync(kAllLanes, v, lanes);
  return v;
}

DEVICE float warp_max(float v) {
#pragma unroll
  for (int lanes = 16; lanes; lanes >>= 1) v = fmaxf(v, __shfl_xor_sync(kAllLanes, v, lanes));
  return v;
}

// The sum over the threads of a block (whole warps), in all of them. shared: 32 floats.
DEVICE float block_sum(float v, float* shared) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  v = warp_sum(v);
  __syncthreads();  // an earlier call has been read
  if (lane == 0) shared[warp] = v;
  __syncthreads();
  return warp_sum(lane < warps ? shared[lane] : 0.0f);
}

DEVICE float block_max(float v, float* shared) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  v = warp_max(v);
  __syncthreads();
  if (lane == 0) shared[warp] = v;
  __syncthreads();
  return warp_max(lane < warps ? shared[lane] : -DEVICE_INFINITY);
}

// ---- tensor cores and asynchronous copies (PTX ISA, "mma.m16n8k16", "ldmatrix", "cp.async"; sm_80 and later)

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
// d (16,8) += a (16,16) b (16,8): bfloat16 products, float32 sums. Who holds what: PTX ISA, 9.7.14.5.8.
DEVICE void mma_16x8x16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8x8 matrices of 16-bit elements from shared memory; lane i gives the address of row i % 8 of matrix i / 8.
DEVICE void load_matrices(u32 (&r)[4], const void* row) {
  const u32 address = static_cast<u32>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}
DEVICE void load_matrices_transposed(u32 (&r)[4], const void* row) {
  const u32 address = static_cast<u32>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// 16 bytes from global to shared memory, zeros where `ok` is false; complete after a copies_wait.
DEVICE void copy_async(void* shared, const void* global, bool ok) {
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<u32>(__cvta_generic_to_shared(shared))),
      "l"(global), "r"(ok ? 16 : 0)
      : "memory");
}
DEVICE void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most `left` of this thread's committed groups are incomplete.
template <int left>
DEVICE void copies_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
}
#else
#define mma_16x8x16 shim::mma_16x8x16
#define load_matrices(...) shim::load_matrices<false>(__VA_ARGS__)
#define load_matrices_transposed(...) shim::load_matrices<true>(__VA_ARGS__)
#define copy_async shim::copy_async
#define copies_commit shim::copies_commit
#define copies_wait shim::copies_wait
#endif

// ---- random numbers: the twin of src/base/rng.ts and src/backends/native/philox.h

struct Philox {
  u32 x[4];
};

// Philox4x32-10 (Salmon et al. 2011).
DEVICE Philox philox(u32 c0, u32 c1, u32 c2, u32 c3, u32 k0, u32 k1) {
#pragma unroll
  for (int round = 0; round < 10; round++) {
    const u64 p0 = static_cast<u64>(0xd2511f53u) * c0, p1 = static_cast<u64>(0xcd9e8d57u) * c2;
    c0 = static_cast<u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<u32>(p1);
    c2 = static_cast<u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<u32>(p0);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {{c0, c1, c2, c3}};
}

// A dropout mask (src/ops/dropout/dropout.ts): element e is kept iff its number is at least p * 2^32. threshold 0: all
// are.
struct DropoutMask {
  u32 threshold;
  float scale;  // 1 / (1 - p)
  u32 step, site, key0, key1;

  // Factors of elements 4 * counter .. 4 * counter + 3.
  DEVICE void four(u32 counter, float (&factor)[4]) const {
    const Philox r = philox(counter, step, site, 2, key0, key1);
#pragma unroll
    for (int k = 0; k < 4; k++) factor[k] = r.x[k] >= threshold ? scale : 0.0f;
  }
  // Factor of one element.
  DEVICE float one(i64 e) const {
    float factor[4];
    four(static_cast<u32>(e >> 2), factor);
    const int k = static_cast<int>(e & 3);
    return k < 2 ? (k == 0 ? factor[0] : factor[1]) : (k == 2 ? factor[2] : factor[3]);
  }
};
