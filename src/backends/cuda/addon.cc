// The addon: cuda.node. It opens a GPU and runs kernels on memory there. cuda_backend.ts is its only user.
//
//   open(options) -> the device            options: DeviceOptions, and {cublaslt, algorithms} for matmul.cc
//   kernels() -> [{name, doc, in, out}]    the index is the number that run() takes; letters: kernel.h
//   run(index, call)                       puts a call on the stream. call: Float64Array of
//                                          [inputs, outputs, attrs, (address, elements, type) of each tensor, attrs
//                                          ...]
//   allocate(bytes) -> address, release(address)
//   upload(address, bytes), zero(address, n)
//   readSync(address, buffer), read(address, buffer) -> Promise
//   synchronize(), memory(), freeMemory(), setTf32(allowed)
//   trim()                                 gives idle memory back to the driver, and forgets the peak
//   profile(on) -> [[index, ms], ...]      GPU time of every call since it was switched on
//
// Errors about the machine are Errors with `fix`, and `memory` where memory ran out. An address is a number: 2^53 is
// enough.
#include <napi.h>

#include <memory>

#include "cublaslt.h"
#include "device.h"
#include "kernel.h"

namespace gpt {

std::vector<KernelEntry>& kernel_table() {
  static std::vector<KernelEntry> table;
  return table;
}

}  // namespace gpt

namespace {

using gpt::DType;

Napi::Error js_error(Napi::Env env, const std::exception& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  if (const auto* device = dynamic_cast<const gpt::DeviceError*>(&error)) {
    result.Value().Set("fix", device->fix);
    result.Value().Set("memory", device->memory);
  }
  return result;
}

// A function of the addon: C++ exceptions become those of JavaScript.
template <Napi::Value (*body)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return body(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw js_error(info.Env(), error);
  }
}

std::vector<std::string> strings(const Napi::Value& value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); i++) result.push_back(Napi::Value(array[i]).As<Napi::String>());
  return result;
}

int64_t integer(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

void* address(const Napi::Value& value) { return reinterpret_cast<void*>(integer(value)); }

Napi::Value open(const Napi::CallbackInfo& info) {
  const Napi::Object o = info[0].As<Napi::Object>();
  gpt::DeviceOptions options;
  options.driver = o.Get("driver").As<Napi::String>();
  options.nvrtc = strings(o.Get("nvrtc"));
  options.device = static_cast<int>(integer(o.Get("device")));
  options.folder = o.Get("folder").As<Napi::String>();
  options.cached = o.Get("cached").ToBoolean();
  options.poison = o.Get("poison").ToBoolean();
  options.wait = o.Get("wait").ToBoolean();
  gpt::open_device(options);
  gpt::lt::open(strings(o.Get("cublaslt")));
  gpt::keep_algorithms(o.Get("algorithms").As<Napi::String>());
  const gpt::DeviceInfo& device = gpt::device_info();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("name", device.name);
  result.Set("devices", device.count);
  result.Set("computeCapability", device.compute_capability);
  result.Set("multiprocessors", device.multiprocessors);
  result.Set("memory", static_cast<double>(device.memory));
  result.Set("driver", device.driver_version);
  result.Set("image", device.image);
  result.Set("cublaslt", gpt::lt::library().path);
  result.Set("cublasltVersion", static_cast<double>(gpt::lt::library().version));
  return result;
}

Napi::Value kernels(const Napi::CallbackInfo& info) {
  const std::vector<gpt::KernelEntry>& table = gpt::kernel_table();
  Napi::Array result = Napi::Array::New(info.Env(), table.size());
  for (uint32_t i = 0; i < table.size(); i++) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", table[i].name);
    entry.Set("doc", table[i].doc);
    entry.Set("in", table[i].in);
    entry.Set("out", table[i].out);
    result.Set(i, entry);
  }
  return result;
}

// ---- calls

struct Measured {
  size_t index;
  std::unique_ptr<gpt::Timer> timer;
};
bool profiling = false;
std::vector<Measured> measured;

Napi::Value run(const Napi::CallbackInfo& info) {
  const size_t index = info[0].As<Napi::Number>().Uint32Value();
  if (index >= gpt::kernel_table().size()) throw std::logic_error("internal: no such kernel");
  const gpt::KernelEntry& entry = gpt::kernel_table()[index];
  const Napi::Float64Array packed = info[1].As<Napi::Float64Array>();
  const double* next = packed.Data();
  const size_t inputs = static_cast<size_t>(next[0]), outputs = static_cast<size_t>(next[1]);
  const size_t attrs = static_cast<size_t>(next[2]);
  if (packed.ElementLength() < 3 + 3 * (inputs + outputs) + attrs) throw std::logic_error("internal: a short call");
  next += 3;
  gpt::Call call;
  const auto views = [&next](size_t count, std::vector<gpt::View>& to) {
    to.reserve(count);
    for (size_t i = 0; i < count; i++, next += 3) {
      to.push_back({reinterpret_cast<void*>(static_cast<uintptr_t>(next[0])), static_cast<int64_t>(next[1]),
                    static_cast<DType>(next[2])});
    }
  };
  views(inputs, call.in);
  views(outputs, call.out);
  call.attrs.assign(next, next + attrs);
  gpt::begin_call(entry.name);
  if (profiling) {
    measured.push_back({index, std::make_unique<gpt::Timer>()});
    measured.back().timer->start();
  }
  try {
    entry.run(call);
  } catch (const std::exception& error) {
    if (profiling) measured.pop_back();  // it has no end
    if (dynamic_cast<const gpt::DeviceError*>(&error)) throw;
    throw std::runtime_error(std::string(entry.name) + ": " + error.what());
  }
  if (profiling) measured.back().timer->stop();
  gpt::end_call();
  return info.Env().Undefined();
}

Napi::Value profile(const Napi::CallbackInfo& info) {
  Napi::Array result = Napi::Array::New(info.Env(), measured.size());
  for (uint32_t i = 0; i < measured.size(); i++) {
    Napi::Array pair = Napi::Array::New(info.Env(), 2);
    pair.Set(uint32_t{0}, static_cast<double>(measured[i].index));
    pair.Set(uint32_t{1}, measured[i].timer->ms());
    result.Set(i, pair);
  }
  measured.clear();
  profiling = info[0].ToBoolean();
  return result;
}

// ---- memory

Napi::Value allocate(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           static_cast<double>(reinterpret_cast<uintptr_t>(gpt::allocate(integer(info[0])))));
}

Napi::Value release(const Napi::CallbackInfo& info) {
  gpt::release(address(info[0]));
  return info.Env().Undefined();
}

Napi::Value upload(const Napi::CallbackInfo& info) {
  const Napi::TypedArray array = info[1].As<Napi::TypedArray>();
  const char* data = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  gpt::upload(address(info[0]), data, static_cast<int64_t>(array.ByteLength()));
  return info.Env().Undefined();
}

Napi::Value zero(const Napi::CallbackInfo& info) {
  gpt::zero(address(info[0]), integer(info[1]));
  return info.Env().Undefined();
}

Napi::Value read_sync(const Napi::CallbackInfo& info) {
  Napi::ArrayBuffer buffer = info[1].As<Napi::ArrayBuffer>();
  gpt::read_sync(buffer.Data(), address(info[0]), static_cast<int64_t>(buffer.ByteLength()));
  return info.Env().Undefined();
}

// A read that is under way; lives until the JavaScript thread has settled its promise.
struct Request {
  Napi::Promise::Deferred deferred;
  Napi::ObjectReference buffer;
  void* snapshot = nullptr;
  gpt::CUresult result = 0;
};

// How the reader's thread calls back. It keeps the process alive while a read is under way, and no longer.
Napi::ThreadSafeFunction settled;
int reads = 0;

void settle(Napi::Env env, Napi::Function, Request* request) {
  gpt::release(request->snapshot);
  try {
    gpt::check(request->result, "a kernel failed on the GPU");
    request->deferred.Resolve(env.Undefined());
  } catch (const gpt::DeviceError& error) {
    request->deferred.Reject(js_error(env, error).Value());
  }
  delete request;
  if (--reads == 0) settled.Unref(env);
}

Napi::Value read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::ArrayBuffer buffer = info[1].As<Napi::ArrayBuffer>();
  if (!settled) settled = Napi::ThreadSafeFunction::New(env, Napi::Function(), "gpt read", 0, 1);
  auto request = std::make_unique<Request>(
      Request{Napi::Promise::Deferred::New(env), Napi::Persistent(buffer.As<Napi::Object>()), nullptr, 0});
  const Napi::Promise promise = request->deferred.Promise();
  Request* r = request.get();
  r->snapshot = gpt::read_async(buffer.Data(), address(info[0]), static_cast<int64_t>(buffer.ByteLength()),
                                [r](gpt::CUresult result) {
                                  r->result = result;
                                  settled.NonBlockingCall(r, settle);
                                });
  request.release();
  if (reads++ == 0) settled.Ref(env);
  return promise;
}

Napi::Value synchronize(const Napi::CallbackInfo& info) {
  gpt::synchronize();
  return info.Env().Undefined();
}

Napi::Value trim(const Napi::CallbackInfo& info) {
  gpt::pool().trim();
  gpt::pool().reset_peak();
  return info.Env().Undefined();
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("used", static_cast<double>(gpt::pool().used()));
  result.Set("peak", static_cast<double>(gpt::pool().peak()));
  result.Set("reserved", static_cast<double>(gpt::pool().reserved()));
  result.Set("live", static_cast<double>(gpt::pool().live()));
  return result;
}

// of the driver: not to be asked in every step
Napi::Value free_memory(const Napi::CallbackInfo& info) {
  size_t free_bytes = 0, total = 0;
  gpt::check(gpt::driver().MemGetInfo(&free_bytes, &total), "asking for free memory");
  return Napi::Number::New(info.Env(), static_cast<double>(free_bytes));
}

Napi::Value set_tf32(const Napi::CallbackInfo& info) {
  gpt::set_tf32(info[0].ToBoolean());
  return info.Env().Undefined();
}

template <Napi::Value (*body)(const Napi::CallbackInfo&)>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), guarded<body>));
}

Napi::Object init(Napi::Env, Napi::Object exports) {
  add<open>(exports, "open");
  add<kernels>(exports, "kernels");
  add<run>(exports, "run");
  add<allocate>(exports, "allocate");
  add<release>(exports, "release");
  add<upload>(exports, "upload");
  add<zero>(exports, "zero");
  add<read_sync>(exports, "readSync");
  add<read>(exports, "read");
  add<synchronize>(exports, "synchronize");
  add<memory>(exports, "memory");
  add<free_memory>(exports, "freeMemory");
  add<trim>(exports, "trim");
  add<profile>(exports, "profile");
  add<set_tf32>(exports, "setTf32");
  return exports;
}

NODE_API_MODULE(cuda, init)

}  // namespace
