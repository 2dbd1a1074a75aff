// Matrix products by cuBLASLt. See matmul.h.
//
// cuBLASLt knows column-major matrices. A row-major (M,N) matrix is a column-major (N,M) one, so C = A B is asked for
// as C^T = B^T A^T: no data moves. Descriptors and the algorithm are kept per shape. The algorithm is the fastest of
// those that cuBLASLt proposes, measured at the first use of a shape, and kept in a file.
#include "matmul.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "convert.h"
#include "cublaslt.h"
#include "device.h"
#include "finish.h"
#include "kernel.h"

namespace gpt {

namespace lt {

Library& library() {
  static Library instance;
  return instance;
}

// Loads and starts it; else says why not, nothing where there is none.
static std::string try_library(const std::string& path) {
  Library& l = library();
  l = Library{};
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return "";
  l.path = path;
#define GPT_LOAD(name, symbol, ...)                                       \
  l.name = reinterpret_cast<int (*)(__VA_ARGS__)>(dlsym(handle, symbol)); \
  if (!l.name) return path + " is no cuBLASLt 12 or 13: it lacks " symbol;
  GPT_LT_FUNCTIONS(GPT_LOAD)
#undef GPT_LOAD
  if (const auto version = reinterpret_cast<size_t (*)()>(dlsym(handle, "cublasLtGetVersion"))) l.version = version();
  if (const int status = l.Create(&l.handle)) {
    l.handle = nullptr;
    return path + " does not start: status " + std::to_string(status);
  }
  return "";
}

void open(const std::vector<std::string>& candidates) {
  std::string reasons;
  for (const std::string& candidate : candidates) {
    const std::string reason = try_library(candidate);
    if (library().handle) return;
    if (!reason.empty()) reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  throw DeviceError(reasons.empty() ? "cuBLASLt was not found (libcublasLt.so.13 or .12)" : reasons,
                    "install the CUDA toolkit, or: pip install nvidia-cublas, and set GPT_LIBCUBLASLT to its "
                    "libcublasLt.so.13; version 13 needs a driver for CUDA 13 (580 or newer), version 12 does not");
}

}  // namespace lt

namespace {

constexpr int64_t kWorkspace = int64_t{32} << 20;  // what cuBLAS recommends for Hopper
constexpr int kCandidates = 8;
constexpr double kWorthMeasuring = 1e8;  // operations; below, all are over before the timer can tell

// everything that the choice of an algorithm depends on
using Key = std::array<int64_t, 11>;

struct Plan {
  lt::Desc desc;
  lt::Layout a, b, c;
  lt::Algo algo;
  Finish finish;  // that is left to do after cuBLASLt's part
};

struct State {
  bool tf32 = false;
  std::string file, stamp;
  std::map<Key, Plan> plans;
  std::map<Key, lt::Algo> kept;
  void* workspace = nullptr;
};

State& state() {
  static State* instance = new State;
  return *instance;
}

int lt_type(DType dtype) { return dtype == DType::bf16 ? lt::kBfloat16 : lt::kFloat32; }

void check_lt(int status, const char* what) {
  if (status) throw std::runtime_error(std::string("cuBLASLt: ") + what + ": status " + std::to_string(status));
}

template <class T>
void set(lt::Desc desc, int attribute, T value) {
  check_lt(lt::library().DescSet(desc, attribute, &value, sizeof value), "setting an attribute");
}

Key key_of(const Product& p, Finish finish) {
  const auto flags = int64_t{p.a.transposed} | int64_t{p.b.transposed} << 1 | int64_t{p.accumulate} << 2 |
                     int64_t{state().tf32} << 3 | static_cast<int64_t>(finish) << 4 |
                     static_cast<int64_t>(p.a.dtype) << 8 | static_cast<int64_t>(p.c_type) << 12;
  return {p.M, p.N, p.K, flags, p.a.stride, p.b.stride, p.c_stride, p.batch, p.a_step, p.b_step, p.c_step};
}

// A stored row-major matrix of rows x columns.
lt::Layout layout(DType dtype, int64_t rows, int64_t columns, int64_t stride, int64_t batch, int64_t step) {
  lt::Layout result;
  const auto n = [](int64_t x) { return static_cast<uint64_t>(x); };
  check_lt(lt::library().LayoutCreate(&result, lt_type(dtype), n(columns), n(rows), stride), "describing a matrix");
  if (batch > 1) {
    const int count = static_cast<int>(batch);
    check_lt(lt::library().LayoutSet(result, lt::kBatchCount, &count, sizeof count), "describing a batch");
    check_lt(lt::library().LayoutSet(result, lt::kBatchStep, &step, sizeof step), "describing a batch");
  }
  return result;
}

// bias: of the type of C, as the epilogues need it
void set_pointers(const Plan& plan, const Product& p, const void* bias) {
  if (bias) set(plan.desc, lt::kBiasPointer, bias);
  if (p.pre) set(plan.desc, lt::kAuxPointer, static_cast<const void*>(p.pre));
}

int run(const Plan& plan, const Product& p, const lt::Algo& algo, void* c) {
  const float alpha = 1, beta = p.accumulate ? 1 : 0;
  return lt::library().Matmul(lt::library().handle, plan.desc, &alpha, p.b.data, plan.b, p.a.data, plan.a, &beta, c,
                              plan.c, c, plan.c, &algo, state().workspace, kWorkspace, stream());
}

bool worth_measuring(const Product& p) {
  return 2.0 * static_cast<double>(p.M) * p.N * p.K * p.batch >= kWorthMeasuring;
}

// The fastest of the proposals, null where none runs. Results go to memory of their own where the product adds to what
// is there.
const lt::Algo* fastest(const Plan& plan, const Product& p, const lt::Heuristic* proposals, int count) {
  const int64_t last = (p.batch - 1) * p.c_step + (p.M - 1) * p.c_stride + p.N;
  std::optional<Scratch> apart;
  void* c = p.accumulate ? apart.emplace(last * bytes_of(p.c_type)).data() : p.c;
  Timer timer;
  const lt::Algo* best = nullptr;
  float best_ms = 0;
  for (int i = 0; i < count; i++) {
    if (run(plan, p, proposals[i].algo, c) != 0) continue;  // warms up
    float ms = 0;
    for (int round = 0; round < 3; round++) {
      timer.start();
      run(plan, p, proposals[i].algo, c);
      timer.stop();
      const float now = timer.ms();
      if (round == 0 || now < ms) ms = now;
    }
    if (!best || ms < best_ms) {
      best = &proposals[i].algo;
      best_ms = ms;
    }
  }
  if (!best) synchronize();  // the GPU may have failed before: that is the error to tell
  return best;
}

void keep(const Key& key, const lt::Algo& algo) {
  State& s = state();
  s.kept[key] = algo;
  if (s.file.empty()) return;
  std::ostringstream line;
  line << s.stamp << ' ';
  for (int64_t number : key) line << number << ' ';
  for (uint64_t word : algo.data) line << word << ' ';
  line << ".\n";
  std::ofstream(s.file, std::ios::app) << line.str() << std::flush;  // at once: other processes write there, too
}

// Whether cuBLASLt takes an algorithm from the file for this product.
bool runs(const Plan& plan, const lt::Algo& algo) {
  lt::Library& l = lt::library();
  lt::Heuristic result = {};
  return l.AlgoCheck(l.handle, plan.desc, plan.b, plan.a, plan.c, plan.c, &algo, &result) == 0 &&
         result.workspace <= static_cast<size_t>(kWorkspace);
}

// A plan for cuBLASLt with this epilogue; false where it has none.
bool make_plan(const Product& p, Finish finish, const void* bias, Plan* plan) {
  lt::Library& l = lt::library();
  const bool tf32 = state().tf32 && p.a.dtype == DType::f32;
  check_lt(l.DescCreate(&plan->desc, tf32 ? lt::kComputeTf32 : lt::kComputeFloat32, lt::kFloat32), "a product");
  // the left operand of cuBLASLt is our B
  set(plan->desc, lt::kTransposeA, int{p.b.transposed});
  set(plan->desc, lt::kTransposeB, int{p.a.transposed});
  const int type = lt_type(p.c_type);
  if (finish == Finish::bias || finish == Finish::gelu) set(plan->desc, lt::kBiasType, type);
  if (finish == Finish::gelu || finish == Finish::gelu_grad) {
    set(plan->desc, lt::kAuxStride, p.c_stride);
    set(plan->desc, lt::kAuxType, type);
  }
  const int epilogue = finish == Finish::bias        ? lt::kEpilogueBias
                       : finish == Finish::gelu      ? lt::kEpilogueGeluAuxBias
                       : finish == Finish::gelu_grad ? lt::kEpilogueDgelu
                                                     : lt::kEpilogueDefault;
  set(plan->desc, lt::kEpilogue, epilogue);
  set_pointers(*plan, p, bias);
  plan->a = layout(p.a.dtype, p.a.transposed ? p.K : p.M, p.a.transposed ? p.M : p.K, p.a.stride, p.batch, p.a_step);
  plan->b = layout(p.b.dtype, p.b.transposed ? p.N : p.K, p.b.transposed ? p.K : p.N, p.b.stride, p.batch, p.b_step);
  plan->c = layout(p.c_type, p.M, p.N, p.c_stride, p.batch, p.c_step);

  const auto prefer = [&](uint32_t reductions) {
    lt::Preference made;
    check_lt(l.PreferenceCreate(&made), "a preference");
    const size_t workspace = kWorkspace;
    check_lt(l.PreferenceSet(made, lt::kMaxWorkspace, &workspace, sizeof workspace), "a preference");
    check_lt(l.PreferenceSet(made, lt::kReductions, &reductions, sizeof reductions), "a preference");
    return made;
  };
  // K may be cut into parts, whose sums are added in the type of C unless that is ruled out
  static const lt::Preference exact = prefer(lt::kReduceInComputeType), any = prefer(lt::kReduceAnyhow);
  const lt::Preference preference = p.c_type == DType::bf16 ? exact : any;
  const Key key = key_of(p, finish);
  const auto kept = state().kept.find(key);
  if (kept != state().kept.end() && runs(*plan, kept->second)) {
    plan->algo = kept->second;
    return true;
  }
  lt::Heuristic proposals[kCandidates];
  int count = 0;
  const int status = l.Heuristics(l.handle, plan->desc, plan->b, plan->a, plan->c, plan->c, preference, kCandidates,
                                  proposals, &count);
  const bool measured = status == 0 && count > 1 && worth_measuring(p);
  const lt::Algo* algo = status != 0 || count == 0 ? nullptr : &proposals[0].algo;
  if (measured) algo = fastest(*plan, p, proposals, count);
  if (!algo) {
    l.DescDestroy(plan->desc);
    for (lt::Layout unused : {plan->a, plan->b, plan->c}) l.LayoutDestroy(unused);
    return false;
  }
  plan->algo = *algo;
  if (measured) keep(key, plan->algo);  // others are the same the next time
  return true;
}

// What cuBLASLt's part leaves to do.
void finish(const Product& p, Finish what) {
  const int64_t rows = p.batch * p.M;  // of all products, one below the other
  GPT_CHECK(what == Finish::none || p.batch == 1 || p.c_step == p.M * p.c_stride,
            "internal: the results of a batch are apart");
  switch (what) {
    case Finish::none:
      break;
    case Finish::bias:
      finish_bias(p.c, p.c_type, rows, p.N, p.c_stride, p.bias);
      break;
    case Finish::gelu:
      finish_gelu(p.c, p.pre, p.c_type, rows, p.N, p.c_stride, p.bias);
      break;
    case Finish::gelu_grad:
      finish_gelu_grad(p.c, p.pre, p.c_type, rows, p.N, p.c_stride);
      break;
  }
}

// Milliseconds of a whole product, the best of three. It writes what the product is asked to write.
float time_of(const Plan& plan, const Product& p) {
  Timer timer;
  float best = 0;
  for (int round = 0; round < 4; round++) {  // the first one warms up
    timer.start();
    run(plan, p, plan.algo, p.c);
    finish(p, plan.finish);
    timer.stop();
    const float ms = timer.ms();
    if (round == 1 || (round > 1 && ms < best)) best = ms;
  }
  return best;
}

// GELU in an epilogue is not always faster than a kernel of its own. An algorithm of zeros says in the file that it is
// not.
const lt::Algo kApart = {};

const Plan& plan_for(const Product& p, const void* bias) {
  State& s = state();
  const Key key = key_of(p, p.finish);
  const auto found = s.plans.find(key);
  if (found != s.plans.end()) return found->second;
  if (!s.workspace) s.workspace = allocate(kWorkspace);
  Plan joint{}, apart{};
  joint.finish = Finish::none;
  apart.finish = p.finish;
  const auto kept = s.kept.find(key);
  const bool known = kept != s.kept.end();
  const bool is_apart = known && std::equal(kept->second.data, kept->second.data + 8, kApart.data);
  const bool has_joint = !is_apart && make_plan(p, p.finish, bias, &joint);
  const bool choice = (p.finish == Finish::gelu || p.finish == Finish::gelu_grad) && worth_measuring(p) && !known;
  const bool has_apart =
      p.finish != Finish::none && (!has_joint || choice) && make_plan(p, Finish::none, nullptr, &apart);
  GPT_CHECK(has_joint || has_apart, "cuBLASLt has no algorithm for a product of (" + std::to_string(p.M) + "," +
                                        std::to_string(p.K) + ") and (" + std::to_string(p.K) + "," +
                                        std::to_string(p.N) + ")");
  bool take_joint = has_joint;
  if (has_joint && has_apart) {
    take_joint = time_of(joint, p) <= time_of(apart, p);
    if (!take_joint) keep(key, kApart);
  }
  return s.plans.emplace(key, take_joint ? joint : apart).first->second;
}

}  // namespace

void set_tf32(bool allowed) { state().tf32 = allowed; }

void keep_algorithms(const std::string& file) {
  State& s = state();
  s.file = file;
  // what an algorithm says is known to the same version only, and is the best one on the same GPU
  std::string name = device_info().name;
  std::replace(name.begin(), name.end(), ' ', '_');
  s.stamp = std::to_string(lt::library().version) + '/' + name + '/' + std::to_string(device_info().multiprocessors);
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string stamp, end;
    Key key;
    lt::Algo algo;
    words >> stamp;
    for (int64_t& number : key) words >> number;
    for (uint64_t& word : algo.data) words >> word;
    words >> end;
    if (stamp == s.stamp && end == ".") s.kept[key] = algo;  // a line cut short is measured again
  }
}

void matmul(const Product& p) {
  GPT_CHECK(p.a.dtype == p.b.dtype, "internal: the operands of a product are of different types");
  if (p.M == 0 || p.N == 0 || p.batch == 0) return;
  // a bias must be of the type of C
  const bool has_bias = p.finish == Finish::bias || p.finish == Finish::gelu;
  std::optional<Scratch> narrowed;
  const void* bias = has_bias ? p.bias : nullptr;
  if (has_bias && p.c_type == DType::bf16) {
    bias = narrowed.emplace(p.N * bytes_of(DType::bf16)).data();
    convert(narrowed->data(), DType::bf16, p.bias, DType::f32, p.N);
  }
  const Plan& plan = plan_for(p, bias);
  if (plan.finish == Finish::none) set_pointers(plan, p, bias);
  if (const int status = run(plan, p, plan.algo, p.c)) {
    synchronize();  // an error of earlier work shows here, too, and has a better name
    check_lt(status, "a product");
  }
  finish(p, plan.finish);
}

}  // namespace gpt
