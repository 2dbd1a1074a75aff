// Loading the CUDA driver. See driver.h.
#include "driver.h"

#include <dlfcn.h>

namespace gpt {

namespace {

constexpr int kOldestDriver = 12000;  // CUDA 12.0: what our PTX is labelled for

const char kInstallDriver[] = "install NVIDIA's driver, version 525 or newer, or use --backend native";

}  // namespace

Driver& driver() {
  static Driver instance;
  return instance;
}

std::string error_text(CUresult result) {
  const char *name = nullptr, *text = nullptr;
  driver().GetErrorName(result, &name);
  driver().GetErrorString(result, &text);
  return (name ? name : "CUDA error " + std::to_string(result)) + (text ? " (" + std::string(text) + ")" : "");
}

void open_driver(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!handle) {
    throw DeviceError("no GPU: " + library +
                          " was not found: NVIDIA's driver is not installed, or this container was started without "
                          "access to the GPU (docker run --gpus all)",
                      kInstallDriver);
  }
  Driver& d = driver();
#define GPT_LOAD(name, symbol, ...)                                            \
  d.name = reinterpret_cast<CUresult (*)(__VA_ARGS__)>(dlsym(handle, symbol)); \
  if (!d.name) throw DeviceError("NVIDIA's driver is too old: " + library + " lacks " symbol, kInstallDriver);
  GPT_DRIVER_FUNCTIONS(GPT_LOAD)
#undef GPT_LOAD
  d.FuncGetParamInfo = reinterpret_cast<decltype(d.FuncGetParamInfo)>(dlsym(handle, "cuFuncGetParamInfo"));

  int version = 0;
  d.DriverGetVersion(&version);
  if (version > 0 && version < kOldestDriver) {
    throw DeviceError("NVIDIA's driver is too old: it supports CUDA " + std::to_string(version / 1000) + "." +
                          std::to_string(version % 1000 / 10) + ", and 12.0 is needed",
                      kInstallDriver);
  }
  if (const CUresult result = d.Init(0)) {
    throw DeviceError("no GPU: the driver finds none: " + error_text(result),
                      "look at nvidia-smi and at CUDA_VISIBLE_DEVICES, or use --backend native");
  }
}

void check(CUresult result, const std::string& what) {
  if (result == 0) return;
  const bool memory = result == kOutOfMemory;
  throw DeviceError(what + ": " + error_text(result),
                    memory ? "use a smaller --train.micro_batch, --model.n_ctx or model"
                           : "run again with GPT_CUDA_SYNC=1, which names the kernel that failed",
                    memory);
}

}  // namespace gpt
