// Kernels that do what GPUs do not forgive, one each: misuse NAME runs one of them, and the shim must stop it with a
// message. test/cuda/misuse.test.ts compiles and runs this.
#include "../../../src/backends/cuda/device.cuh"

KERNEL(64, barrier_for_some, int* out) {
  if (threadIdx.x < 32) __syncthreads();
  out[threadIdx.x] = 1;
}

KERNEL(64, barriers_apart, int* out) {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
  out[threadIdx.x] = 1;
}

KERNEL(32, shuffle_for_some, int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_xor_sync(kAllLanes, 1, 1);
}

KERNEL(32, shuffle_of_another_lane, int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffu, 1, 20);
}

KERNEL(32, collectives_apart, int* out) {
  out[threadIdx.x] = threadIdx.x < 16 ? __shfl_xor_sync(kAllLanes, 1, 1) : __shfl_xor_sync(kAllLanes, 2, 1);
}

KERNEL(32, copy_not_waited_for, int* out) {
  KERNEL_SHARED(int, shared);
  if (threadIdx.x == 0) copy_async(shared, out, true);
  copies_commit();
}

KERNEL(32, copy_misaligned, int* out) {
  KERNEL_SHARED(int, shared);
  if (threadIdx.x == 0) copy_async(shared + 1, out, true);
  copies_commit();
  copies_wait<0>();
}

KERNEL(32, pack_misaligned, int* out) { reinterpret_cast<Pack<int>*>(out + 1)->at[0] = 1; }

KERNEL(32, index_outside, int* out) {
  int x[4] = {0, 1, 2, 3};
  out[0] = x[out[0] & 7 ? 4 : 0];
}

KERNEL(32, shared_overrun, int*) {
  KERNEL_SHARED(int, shared);
  shared[32 + threadIdx.x] = 1;
}

KERNEL(32, nothing_wrong, int* out) {
  KERNEL_SHARED(int, shared);
  shared[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = shared[31 - threadIdx.x];
}

int main(int, char** argv) {
  alignas(16) static int out[64] = {1};
  int* address = out;
  void* args[] = {&address};
  const shim::KernelInfo& kernel = shim::kernels().at(argv[1]);
  shim::run(argv[1], {1, 1, 1}, {static_cast<unsigned>(kernel.threads), 1, 1}, 128, [&] { kernel.call(args); });
}
