// A libnvrtc.so.13 for machines without one: it looks at the source that it is given, and compiles nothing. The PTX
// that it returns is for the simulated driver, which finds kernels by their names; no other takes it.
//
// GPT_SIM_NVRTC=fail: the compiler finds an error.
#include <cstdlib>
#include <cstring>
#include <string>

#define API extern "C" __attribute__((visibility("default")))

namespace {

enum Result : int { kSuccess = 0, kInvalidInput = 3, kInvalidOption = 5, kCompilation = 6 };

struct Program {
  std::string source, log, ptx;
};

int give(const std::string& text, char* to) {
  std::memcpy(to, text.c_str(), text.size() + 1);
  return kSuccess;
}

}  // namespace

API int nvrtcCreateProgram(Program** program, const char* source, const char*, int headers, const char* const*,
                           const char* const*) {
  if (!source || headers) return kInvalidInput;
  *program = new Program{source, "", ""};
  return kSuccess;
}

API int nvrtcDestroyProgram(Program** program) {
  delete *program;
  *program = nullptr;
  return kSuccess;
}

API int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  std::string target;
  for (int i = 0; i < count; i++) {
    const std::string option = options[i], architecture = "--gpu-architecture=";
    if (option.rfind(architecture, 0) == 0)
      target = option.substr(architecture.size());
    else if (option != "--std=c++17")
      return kInvalidOption;
  }
  if (program->source.find("#include") != std::string::npos) program->log = "cannot open source file";
  if (program->source.find("extern \"C\"") == std::string::npos) program->log = "there is no kernel";
  if (std::getenv("GPT_SIM_NVRTC")) program->log = "kernels.cu(1): error: GPT_SIM_NVRTC is set";
  if (!program->log.empty()) return kCompilation;
  program->ptx = "// by the simulated NVRTC\n.version 8.0\n.target simulated_" + target + "\n";
  return kSuccess;
}

API int nvrtcGetProgramLogSize(Program* program, size_t* size) {
  *size = program->log.size() + 1;
  return kSuccess;
}
API int nvrtcGetProgramLog(Program* program, char* log) { return give(program->log, log); }

API int nvrtcGetPTXSize(Program* program, size_t* size) {
  *size = program->ptx.size() + 1;
  return kSuccess;
}
API int nvrtcGetPTX(Program* program, char* ptx) { return give(program->ptx, ptx); }
