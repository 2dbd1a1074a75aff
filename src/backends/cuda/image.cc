// Loading the kernels. See image.h; build_images.mjs makes the files.
#include "image.h"

#include <dlfcn.h>

#include <fstream>
#include <iterator>
#include <optional>

namespace gpt {

namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Compiles CUDA C++ to PTX. Throws std::runtime_error with the compiler's words.
std::string compile(const std::string& source, int compute_capability, const std::vector<std::string>& libraries) {
  void* handle = nullptr;
  for (const std::string& library : libraries) {
    handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle) break;
  }
  if (!handle) throw std::runtime_error("libnvrtc was not found");
  using Program = struct _nvrtcProgram*;
  const auto symbol = [&](const char* name) {
    void* p = dlsym(handle, name);
    if (!p) throw std::runtime_error(std::string("libnvrtc lacks ") + name);
    return p;
  };
  const auto create =
      reinterpret_cast<int (*)(Program*, const char*, const char*, int, const char* const*, const char* const*)>(
          symbol("nvrtcCreateProgram"));
  const auto build = reinterpret_cast<int (*)(Program, int, const char* const*)>(symbol("nvrtcCompileProgram"));
  const auto log_size = reinterpret_cast<int (*)(Program, size_t*)>(symbol("nvrtcGetProgramLogSize"));
  const auto log = reinterpret_cast<int (*)(Program, char*)>(symbol("nvrtcGetProgramLog"));
  const auto ptx_size = reinterpret_cast<int (*)(Program, size_t*)>(symbol("nvrtcGetPTXSize"));
  const auto get_ptx = reinterpret_cast<int (*)(Program, char*)>(symbol("nvrtcGetPTX"));

  Program program;
  if (create(&program, source.c_str(), "kernels.cu", 0, nullptr, nullptr))
    throw std::runtime_error("nvrtcCreateProgram failed");
  const std::string target = "--gpu-architecture=compute_" + std::to_string(compute_capability);
  const char* options[] = {target.c_str(), "--std=c++17"};
  const int result = build(program, 2, options);
  size_t size = 0;
  if (result != 0) {
    log_size(program, &size);
    std::string text(size, '\0');
    log(program, text.data());
    throw std::runtime_error("NVRTC refused the kernels: " + text.substr(0, 2000));
  }
  ptx_size(program, &size);
  std::string ptx(size, '\0');
  get_ptx(program, ptx.data());
  return ptx;
}

}  // namespace

Image load_image(const std::string& folder, int compute_capability, const std::vector<std::string>& nvrtc) {
  std::string reasons;
  const auto load = [&](const std::string& what, const std::string& content) -> std::optional<Image> {
    CUmodule module;
    const CUresult result = driver().ModuleLoadData(&module, content.c_str());
    if (result == 0) return Image{module, what};
    reasons += (reasons.empty() ? "" : "; ") + what + ": " + error_text(result);
    return std::nullopt;
  };
  // machine code runs on its own and later GPUs of the same major version
  const int major = compute_capability / 10;
  for (int version = compute_capability; version >= 10 * major; version--) {
    const std::string name = "kernels.sm_" + std::to_string(version) + ".cubin";
    if (const auto content = read_file(folder + "/" + name)) {
      if (const auto image = load(name, *content)) return *image;
    }
  }
  const std::string compiled = "kernels.compute_" + std::to_string(compute_capability) + ".ptx";  // by NVRTC, earlier
  for (const std::string& name : {std::string("kernels.ptx"), compiled}) {
    if (const auto content = read_file(folder + "/" + name)) {
      if (const auto image = load(name, *content)) return *image;
    }
  }
  if (const auto source = read_file(folder + "/kernels.cu")) {
    try {
      const std::string ptx = compile(*source, compute_capability, nvrtc);
      if (const auto image = load("kernels.cu (NVRTC)", ptx)) {
        std::ofstream(folder + "/" + compiled, std::ios::binary) << ptx;  // compiling takes seconds; if it can be kept
        return *image;
      }
    } catch (const std::runtime_error& error) {
      reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
    }
  } else {
    reasons += (reasons.empty() ? "" : "; ") + folder + " has no kernels.cu";
  }
  throw DeviceError("no kernels for compute capability " + std::to_string(major) + "." +
                        std::to_string(compute_capability % 10) + ": " + reasons,
                    "build them with nvcc (npm run build), or pip install nvidia-cuda-nvrtc and set GPT_LIBNVRTC");
}

}  // namespace gpt
