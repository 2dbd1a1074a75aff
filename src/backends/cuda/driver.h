// The CUDA driver API, loaded at run time: no CUDA header, no library at link time, so the addon loads on any machine.
//
// The few declarations below are ours; names and types are those of the driver API reference, and the ABI of these
// functions is the same in CUDA 12 and 13. Errors become DeviceError with a sentence for the user.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>

namespace gpt {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;

constexpr CUresult kOutOfMemory = 2;

// name in our code, symbol in the library, parameters
#define GPT_DRIVER_FUNCTIONS(F)                                                                                       \
  F(Init, "cuInit", unsigned)                                                                                         \
  F(DriverGetVersion, "cuDriverGetVersion", int*)                                                                     \
  F(DeviceGetCount, "cuDeviceGetCount", int*)                                                                         \
  F(DeviceGet, "cuDeviceGet", CUdevice*, int)                                                                         \
  F(DeviceGetName, "cuDeviceGetName", char*, int, CUdevice)                                                           \
  F(DeviceGetAttribute, "cuDeviceGetAttribute", int*, int, CUdevice)                                                  \
  F(DeviceTotalMem, "cuDeviceTotalMem_v2", size_t*, CUdevice)                                                         \
  F(DevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", CUcontext*, CUdevice)                                         \
  F(CtxSetCurrent, "cuCtxSetCurrent", CUcontext)                                                                      \
  F(ModuleLoadData, "cuModuleLoadData", CUmodule*, const void*)                                                       \
  F(ModuleGetFunction, "cuModuleGetFunction", CUfunction*, CUmodule, const char*)                                     \
  F(FuncSetAttribute, "cuFuncSetAttribute", CUfunction, int, int)                                                     \
  F(MemAlloc, "cuMemAlloc_v2", CUdeviceptr*, size_t)                                                                  \
  F(MemFree, "cuMemFree_v2", CUdeviceptr)                                                                             \
  F(MemGetInfo, "cuMemGetInfo_v2", size_t*, size_t*)                                                                  \
  F(MemHostAlloc, "cuMemHostAlloc", void**, size_t, unsigned)                                                         \
  F(MemFreeHost, "cuMemFreeHost", void*)                                                                              \
  F(MemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", CUdeviceptr, const void*, size_t, CUstream)                              \
  F(MemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2", void*, CUdeviceptr, size_t, CUstream)                                    \
  F(MemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2", CUdeviceptr, CUdeviceptr, size_t, CUstream)                              \
  F(MemsetD8Async, "cuMemsetD8Async", CUdeviceptr, unsigned char, size_t, CUstream)                                   \
  F(StreamCreate, "cuStreamCreate", CUstream*, unsigned)                                                              \
  F(StreamSynchronize, "cuStreamSynchronize", CUstream)                                                               \
  F(EventCreate, "cuEventCreate", CUevent*, unsigned)                                                                 \
  F(EventRecord, "cuEventRecord", CUevent, CUstream)                                                                  \
  F(EventSynchronize, "cuEventSynchronize", CUevent)                                                                  \
  F(EventElapsedTime, "cuEventElapsedTime", float*, CUevent, CUevent)                                                 \
  F(EventDestroy, "cuEventDestroy_v2", CUevent)                                                                       \
  F(LaunchKernel, "cuLaunchKernel", CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, \
    CUstream, void**, void**)                                                                                         \
  F(GetErrorName, "cuGetErrorName", CUresult, const char**)                                                           \
  F(GetErrorString, "cuGetErrorString", CUresult, const char**)

struct Driver {
#define GPT_DECLARE(name, symbol, ...) CUresult (*name)(__VA_ARGS__) = nullptr;
  GPT_DRIVER_FUNCTIONS(GPT_DECLARE)
#undef GPT_DECLARE
  // since CUDA 12.4; null before
  CUresult (*FuncGetParamInfo)(CUfunction, size_t index, size_t* offset, size_t* size) = nullptr;
};

// A sentence about the machine, and what to do about it.
struct DeviceError : std::runtime_error {
  DeviceError(const std::string& what, const std::string& fix, bool memory = false)
      : std::runtime_error(what), fix(fix), memory(memory) {}
  std::string fix;
  bool memory;  // out of memory: exit 6 instead of 3
};

// Opens the library and starts the driver. Throws DeviceError where there is none, an old one, or no device.
void open_driver(const std::string& library);

Driver& driver();

// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
std::string error_text(CUresult result);

// Throws DeviceError unless result is 0. what: what was being done.
void check(CUresult result, const std::string& what);

}  // namespace gpt
