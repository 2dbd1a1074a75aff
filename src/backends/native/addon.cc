// The addon: native.node. It loads one kernel library (kernels-avx512.so, ...) and runs its kernels on typed arrays.
//
//   load(path)                            opens a kernel library
//   kernels() -> [{name, doc, bf16}]      its kernels; the index is the number that run() takes
//   run(index, inputs, outputs, attrs)    runs a kernel to its end on this thread and its pool
//   alloc(bytes) -> ArrayBuffer           aligned memory for results, in huge pages where large; content undefined
//   bf16() -> {instructions, library}     what multiplies bfloat16 matrices: native/gemm.h
//   setThreads(n), cpu() -> "avx512" | "avx2" | "baseline"
//
// Kernels run with all signals blocked: a signal handler on the stack of generated code has been seen to corrupt the
// heap (oneDNN 2.6), and threads that OpenMP starts inherit the mask.
#include <dlfcn.h>
#include <napi.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdlib>

#include "kernel.h"

namespace {

struct Library {
  const gpt::KernelEntry* kernels = nullptr;
  int count = 0;
  const char* (*run)(gpt::Kernel, const gpt::Call*) = nullptr;
  void (*set_threads)(int) = nullptr;
  const char* (*bf16_instructions)() = nullptr;
  const char* (*bf16_library)() = nullptr;
} library;

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

Napi::Value load(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  // Idle OpenMP threads spin for a moment, then sleep. The default, spinning for long, makes every kernel wait for a
  // time slice where another program is busy. libgomp reads this when it is loaded, which is now.
  setenv("GOMP_SPINCOUNT", "20000", 0);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw Napi::Error::New(info.Env(), dlerror());
  const auto symbol = [&](const char* name) {
    void* p = dlsym(handle, name);
    if (!p) throw Napi::Error::New(info.Env(), path + " is no kernel library: it lacks " + name);
    return p;
  };
  library.kernels = reinterpret_cast<const gpt::KernelEntry* (*)(int*)>(symbol("gpt_kernels"))(&library.count);
  library.run = reinterpret_cast<decltype(library.run)>(symbol("gpt_run"));
  library.set_threads = reinterpret_cast<decltype(library.set_threads)>(symbol("gpt_set_threads"));
  library.bf16_instructions = reinterpret_cast<decltype(library.bf16_instructions)>(symbol("gpt_bf16_instructions"));
  library.bf16_library = reinterpret_cast<decltype(library.bf16_library)>(symbol("gpt_bf16_library"));
  return info.Env().Undefined();
}

Napi::Value kernels(const Napi::CallbackInfo& info) {
  Napi::Array result = Napi::Array::New(info.Env(), library.count);
  for (int i = 0; i < library.count; i++) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", library.kernels[i].name);
    entry.Set("doc", library.kernels[i].doc);
    entry.Set("bf16", library.kernels[i].bf16);
    result.Set(i, entry);
  }
  return result;
}

gpt::View view_of(const Napi::Value& value) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok)
    throw Napi::TypeError::New(value.Env(), "internal: a kernel takes typed arrays");
  switch (type) {
    case napi_float32_array:
      return {data, static_cast<int64_t>(length), gpt::DType::f32};
    case napi_int32_array:
      return {data, static_cast<int64_t>(length), gpt::DType::i32};
    case napi_uint8_array:
      return {data, static_cast<int64_t>(length), gpt::DType::u8};
    case napi_uint16_array:
      return {data, static_cast<int64_t>(length), gpt::DType::bf16};
    default:
      throw Napi::TypeError::New(value.Env(), "internal: a kernel takes Float32, Int32, Uint8 or Uint16 arrays");
  }
}

Napi::Value run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint32_t index = info[0].As<Napi::Number>().Uint32Value();
  if (index >= static_cast<uint32_t>(library.count)) throw Napi::Error::New(env, "internal: no such kernel");
  const Napi::Array inputs = info[1].As<Napi::Array>(), outputs = info[2].As<Napi::Array>();
  const Napi::Array attrs = info[3].As<Napi::Array>();
  gpt::Call call;
  const uint32_t n_in = inputs.Length(), n_out = outputs.Length(), n_attr = attrs.Length();
  call.in.reserve(n_in);
  call.out.reserve(n_out);
  call.attrs.reserve(n_attr);
  for (uint32_t i = 0; i < n_in; i++) call.in.push_back(view_of(inputs[i]));
  for (uint32_t i = 0; i < n_out; i++) call.out.push_back(view_of(outputs[i]));
  for (uint32_t i = 0; i < n_attr; i++) call.attrs.push_back(Napi::Value(attrs[i]).As<Napi::Number>().DoubleValue());
  const char* error;
  {
    const SignalsBlocked blocked;
    error = library.run(library.kernels[index].run, &call);
  }
  if (error) throw Napi::Error::New(env, std::string(library.kernels[index].name) + ": " + error);
  return env.Undefined();
}

Napi::Value alloc(const Napi::CallbackInfo& info) {
  const size_t bytes = static_cast<size_t>(info[0].As<Napi::Number>().DoubleValue());
  const size_t huge = 2 << 20;
  const size_t alignment = bytes >= huge ? huge : 64;
  void* data = nullptr;
  if (posix_memalign(&data, alignment, bytes) != 0) throw Napi::RangeError::New(info.Env(), "out of memory");
#ifdef MADV_HUGEPAGE
  if (alignment == huge) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return Napi::ArrayBuffer::New(info.Env(), data, bytes, [](Napi::Env, void* p) { std::free(p); });
}

Napi::Value set_threads(const Napi::CallbackInfo& info) {
  library.set_threads(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value bf16(const Napi::CallbackInfo& info) {
  const SignalsBlocked blocked;  // the library may start threads
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("instructions", library.bf16_instructions());
  result.Set("library", library.bf16_library());
  return result;
}

// The best instruction set that this CPU and operating system run, among those that kernel libraries are built for.
Napi::Value cpu(const Napi::CallbackInfo& info) {
  const char* best = "baseline";
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) best = "avx2";
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    best = "avx512";
#endif
  return Napi::String::New(info.Env(), best);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("load", Napi::Function::New(env, load));
  exports.Set("kernels", Napi::Function::New(env, kernels));
  exports.Set("run", Napi::Function::New(env, run));
  exports.Set("alloc", Napi::Function::New(env, alloc));
  exports.Set("setThreads", Napi::Function::New(env, set_threads));
  exports.Set("bf16", Napi::Function::New(env, bf16));
  exports.Set("cpu", Napi::Function::New(env, cpu));
  return exports;
}

NODE_API_MODULE(native, init)

}  // namespace
