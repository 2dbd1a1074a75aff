// A libcublasLt.so.13 for machines without a GPU: the functions that src/backends/cuda uses, over the memory of the
// simulated driver (driver.cc). Declarations and numbers: cublasLt.h of CUDA 12 and 13.
//
//   D = epilogue(alpha op(A) op(B) + beta C)      column-major; sums in float32, 256 terms at a time
//
// As strict as the documentation, or stricter: attributes and their sizes must be known, types go together as in its
// tables, pointers have the alignment that the preference promised (256 bytes where it says nothing) and lie inside one
// allocation with all that a product touches, an algorithm only runs the product it was found for, and the workspace
// holds NaN afterwards. What is refused is also written to stderr where it is a mistake of the caller.
//
// GELU epilogues exist for bfloat16 results only, so that what stands in for them is used as well.
//
// Settings, by environment: GPT_SIM_LT=nothing: no algorithm for any product; =plain: for no product with an epilogue.
// GPT_SIM_LT_VERSION: what cublasLtGetVersion says (130000). GPT_SIM_LT_REFUSED: the path of a copy of this library
// that does not start, as one of CUDA 13 on a driver for 12. GPT_SIM_EMPTY, GPT_SIM_FAIL: driver.cc.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace {

enum Status : int { kSuccess = 0, kNotInitialized = 1, kInvalidValue = 7, kExecutionFailed = 13, kNotSupported = 15 };
enum Type : int { kF32 = 0, kBf16 = 14 };
enum Compute : int { kCompute32F = 68, kComputeTf32 = 77 };
enum Reduction : uint32_t { kReduceInPlace = 1, kReduceOutput = 4 };  // both in the type of D
enum Epilogue : int { kDefault = 1, kBias = 4, kGeluAuxBias = 164, kDGelu = 192 };

template <class... Args>
int misuse(const char* format, Args... args) {
  std::fputs("simulated cuBLASLt: ", stderr);
  std::fprintf(stderr, format, args...);
  std::fputc('\n', stderr);
  return kInvalidValue;
}

struct Handle {};

struct Desc {
  int compute;
  int trans_a = 0, trans_b = 0, epilogue = kDefault, sm_count = 0;
  int bias_type = -1, aux_type = -1;  // -1: that of D
  void* bias = nullptr;
  void* aux = nullptr;
  int64_t aux_ld = 0;
};

struct Layout {
  int type;
  uint64_t rows, cols;
  int64_t ld;
  int batch = 1;
  int64_t stride = 0;

  int64_t element() const { return type == kBf16 ? 2 : 4; }
  int64_t extent() const {
    return ((batch - 1) * stride + (static_cast<int64_t>(cols) - 1) * ld + static_cast<int64_t>(rows)) * element();
  }
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reduction = 0xffffffffu;
  uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D
};

struct Algo {
  uint64_t problem;  // hash of what it was found for
  uint64_t workspace;
  uint32_t alignment[4];
  uint64_t rest[4];
};
struct Result {
  Algo algo;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Algo) == 64 && sizeof(Result) == 96, "the ABI of cuBLASLt");

// Objects that exist: a handle that does not is an error, not a crash.
struct Objects {
  std::mutex mutex;
  std::set<const void*> live;
};
Objects& objects() {
  static Objects& all = *new Objects;
  return all;
}

template <class T>
int create(T** out, T value) {
  *out = new T(value);
  std::lock_guard<std::mutex> lock(objects().mutex);
  objects().live.insert(*out);
  return kSuccess;
}

template <class T>
int destroy(T* object) {
  std::lock_guard<std::mutex> lock(objects().mutex);
  if (!objects().live.erase(object)) return misuse("destroys what does not exist");
  delete object;
  return kSuccess;
}

bool exist(std::initializer_list<const void*> all) {
  std::lock_guard<std::mutex> lock(objects().mutex);
  return std::all_of(all.begin(), all.end(), [](const void* p) { return objects().live.count(p) == 1; });
}

struct Attribute {
  void* to;
  size_t size;
};

int set_attribute(const char* of, const std::map<int, Attribute>& attributes, int attribute, const void* value,
                  size_t size) {
  const auto it = attributes.find(attribute);
  if (it == attributes.end()) return misuse("%s has no attribute %d here", of, attribute);
  if (!value || size != it->second.size)
    return misuse("%s: attribute %d has %zu bytes, not %zu", of, attribute, it->second.size, size);
  std::memcpy(it->second.to, value, size);
  return kSuccess;
}

// ---- what is supported

int64_t width(int type) { return type == kBf16 ? 2 : 4; }

// The status of a product as it is described; addresses are looked at when it runs.
int check(const Desc& d, const Layout& a, const Layout& b, const Layout& c, const Layout& out) {
  const uint64_t m = d.trans_a ? a.cols : a.rows, k = d.trans_a ? a.rows : a.cols;
  const uint64_t n = d.trans_b ? b.rows : b.cols;
  if ((d.trans_b ? b.cols : b.rows) != k) return misuse("A and B do not fit: K is %llu", (unsigned long long)k);
  for (const Layout* l : {&c, &out})
    if (l->rows != m || l->cols != n)
      return misuse("C or D is not (%llu, %llu)", (unsigned long long)m, (unsigned long long)n);
  for (const Layout* l : {&a, &b, &c, &out}) {
    if (l->ld < static_cast<int64_t>(l->rows))
      return misuse("a leading dimension of %lld for %llu rows", (long long)l->ld, (unsigned long long)l->rows);
    if (l->batch != a.batch) return misuse("batch counts differ");
    if (l->type != kF32 && l->type != kBf16) return kNotSupported;
  }
  if (a.type != b.type || c.type != out.type || (a.type == kF32 && out.type != kF32)) return kNotSupported;
  if (d.compute == kComputeTf32 && a.type != kF32) return kNotSupported;
  if (c.ld != out.ld) return kNotSupported;

  const bool gelu = d.epilogue == kGeluAuxBias || d.epilogue == kDGelu;
  if (d.epilogue != kDefault && d.epilogue != kBias && !gelu) return kNotSupported;
  const char* lt = std::getenv("GPT_SIM_LT");
  if (d.epilogue != kDefault && lt && std::string(lt) == "plain") return kNotSupported;
  if ((d.epilogue == kBias || d.epilogue == kGeluAuxBias) && d.bias_type >= 0 && d.bias_type != out.type)
    return kNotSupported;
  if (!gelu) return kSuccess;
  if (out.type != kBf16 || a.batch != 1) return kNotSupported;
  if (d.aux_type >= 0 && d.aux_type != out.type) return kNotSupported;
  if (d.aux_ld < static_cast<int64_t>(m)) return misuse("a GELU epilogue without EPILOGUE_AUX_LD, or it is too small");
  return d.aux_ld % 8 ? kNotSupported : kSuccess;
}

// What an algorithm is found for.
uint64_t problem_of(const Desc& d, const Layout& a, const Layout& b, const Layout& c, const Layout& out) {
  uint64_t hash = 14695981039346656037ull;
  const auto add = [&](int64_t value) { hash = (hash ^ static_cast<uint64_t>(value)) * 1099511628211ull; };
  for (int x : {d.compute, d.trans_a, d.trans_b, d.epilogue, d.sm_count, d.bias_type, d.aux_type}) add(x);
  add(d.aux_ld);
  for (const Layout* l : {&a, &b, &c, &out})
    for (int64_t x : {int64_t{l->type}, int64_t(l->rows), int64_t(l->cols), l->ld, int64_t{l->batch}, l->stride})
      add(x);
  return hash;
}

// ---- arithmetic

float load(const void* at, int type, int64_t i) {
  if (type == kF32) return static_cast<const float*>(at)[i];
  const uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t*>(at)[i]) << 16;
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

void store(void* at, int type, int64_t i, float x) {
  if (type == kF32) {
    static_cast<float*>(at)[i] = x;
    return;
  }
  uint32_t u;
  std::memcpy(&u, &x, 4);
  const bool nan = (u & 0x7fffffff) > 0x7f800000;
  static_cast<uint16_t*>(at)[i] = static_cast<uint16_t>(nan ? (u >> 16) | 0x40 : (u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

// To 10 bits of mantissa, ties away from zero.
float tf32(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  u = (u + 0x1000) & 0xffffe000u;
  std::memcpy(&x, &u, 4);
  return x;
}

constexpr int64_t kTileM = 8, kTileN = 4, kBlockK = 256;
using Four = float __attribute__((vector_size(16)));

// op(X), padded by zeros to whole panels of `tile` rows (of A) or columns (of B): panel by panel, then k, then row.
// at(i, k) lies at i * step_i + k * step_k.
std::vector<float> pack(const void* data, int type, int64_t count, int64_t k_count, int64_t step_i, int64_t step_k,
                        int64_t tile, bool round) {
  std::vector<float> panels((count + tile - 1) / tile * tile * k_count);
  for (int64_t i = 0; i < count; i++) {
    float* to = &panels[i / tile * tile * k_count + i % tile];
    for (int64_t k = 0; k < k_count; k++) {
      const float x = load(data, type, i * step_i + k * step_k);
      to[k * tile] = round ? tf32(x) : x;
    }
  }
  return panels;
}

// sums (8 x 4) += the product of a panel of A and one of B
void multiply_tile(const float* a, const float* b, int64_t k_count, float (&sums)[kTileN][kTileM]) {
  Four acc[kTileN][2] = {};
  for (int64_t k = 0; k < k_count; k++, a += kTileM, b += kTileN) {
    Four lo, hi;
    std::memcpy(&lo, a, 16);
    std::memcpy(&hi, a + 4, 16);
    for (int j = 0; j < kTileN; j++) {
      acc[j][0] += lo * b[j];
      acc[j][1] += hi * b[j];
    }
  }
  for (int j = 0; j < kTileN; j++)
    for (int i = 0; i < kTileM; i++) sums[j][i] += acc[j][i / 4][i % 4];
}

constexpr float kSqrt2OverPi = 0.7978845608028654f, kCube = 0.044715f;

float gelu(float x) { return 0.5f * x * (1 + std::tanh(kSqrt2OverPi * (x + kCube * x * x * x))); }

float gelu_grad(float x) {
  const float t = std::tanh(kSqrt2OverPi * (x + kCube * x * x * x));
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * kSqrt2OverPi * (1 + 3 * kCube * x * x);
}

void multiply(const Desc& d, float alpha, const char* a, const Layout& la, const char* b, const Layout& lb, float beta,
              const char* c, char* out, const Layout& lo) {
  const int64_t m = lo.rows, n = lo.cols, k = d.trans_a ? la.rows : la.cols;
  const bool round = d.compute == kComputeTf32;
  const std::vector<float> A = pack(a, la.type, m, k, d.trans_a ? la.ld : 1, d.trans_a ? 1 : la.ld, kTileM, round);
  const std::vector<float> B = pack(b, lb.type, n, k, d.trans_b ? 1 : lb.ld, d.trans_b ? lb.ld : 1, kTileN, round);
  const auto finish = [&](int64_t i, int64_t j, float sum) {
    const int64_t at = i + j * lo.ld;
    float x = alpha * sum;
    if (beta != 0) x += beta * load(c, lo.type, at);
    if (d.epilogue == kBias || d.epilogue == kGeluAuxBias) x += load(d.bias, lo.type, i);
    if (d.epilogue == kGeluAuxBias) {
      store(d.aux, lo.type, i + j * d.aux_ld, x);
      x = gelu(x);
    }
    if (d.epilogue == kDGelu) x *= gelu_grad(load(d.aux, lo.type, i + j * d.aux_ld));
    store(out, lo.type, at, x);
  };
  for (int64_t j = 0; j < n; j += kTileN) {
    for (int64_t i = 0; i < m; i += kTileM) {
      float sums[kTileN][kTileM] = {};
      for (int64_t k0 = 0; k0 < k; k0 += kBlockK)
        multiply_tile(&A[i * k + k0 * kTileM], &B[j * k + k0 * kTileN], std::min(kBlockK, k - k0), sums);
      for (int64_t y = 0; y < kTileN && j + y < n; y++)
        for (int64_t x = 0; x < kTileM && i + x < m; x++) finish(i + x, j + y, sums[y][x]);
    }
  }
}

// ---- the simulated driver

struct Driver {
  bool (*inside)(const void*, size_t);
  int (*begin)(const char*);
  void (*end)(const char*, double);
};

const Driver& driver() {
  static const Driver found = [] {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    const auto find = [&](const char* name) {
      void* function = library ? dlsym(library, name) : nullptr;
      if (!function) {
        std::fputs("simulated cuBLASLt: it needs the simulated driver, loaded before its first product\n", stderr);
        std::abort();
      }
      return function;
    };
    return Driver{reinterpret_cast<bool (*)(const void*, size_t)>(find("gpt_sim_inside")),
                  reinterpret_cast<int (*)(const char*)>(find("gpt_sim_begin")),
                  reinterpret_cast<void (*)(const char*, double)>(find("gpt_sim_end"))};
  }();
  return found;
}

}  // namespace

// ---- handles and descriptions

API size_t cublasLtGetVersion() {
  const char* version = std::getenv("GPT_SIM_LT_VERSION");
  return version ? std::strtoul(version, nullptr, 10) : 130000;
}
API int cublasLtCreate(Handle** handle) {
  const char* refused = std::getenv("GPT_SIM_LT_REFUSED");
  Dl_info self;
  if (refused && dladdr(reinterpret_cast<void*>(&cublasLtGetVersion), &self) && !std::strcmp(self.dli_fname, refused))
    return kNotInitialized;
  return create(handle, Handle{});
}
API int cublasLtDestroy(Handle* handle) { return destroy(handle); }

API int cublasLtMatmulDescCreate(Desc** desc, int compute, int scale) {
  if ((compute != kCompute32F && compute != kComputeTf32) || scale != kF32)
    return misuse("compute type %d with scale type %d", compute, scale);
  Desc d;
  d.compute = compute;
  return create(desc, d);
}
API int cublasLtMatmulDescDestroy(Desc* desc) { return destroy(desc); }

API int cublasLtMatmulDescSetAttribute(Desc* d, int attribute, const void* value, size_t size) {
  if (!exist({d})) return misuse("no such matmul description");
  return set_attribute("a matmul description",
                       {{3, {&d->trans_a, 4}},
                        {4, {&d->trans_b, 4}},
                        {7, {&d->epilogue, 4}},
                        {8, {&d->bias, 8}},
                        {11, {&d->aux, 8}},
                        {12, {&d->aux_ld, 8}},
                        {15, {&d->sm_count, 4}},
                        {22, {&d->aux_type, 4}},
                        {26, {&d->bias_type, 4}}},
                       attribute, value, size);
}

API int cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t cols, int64_t ld) {
  if (!rows || !cols) return misuse("a matrix of (%llu, %llu)", (unsigned long long)rows, (unsigned long long)cols);
  return create(layout, Layout{type, rows, cols, ld});
}
API int cublasLtMatrixLayoutDestroy(Layout* layout) { return destroy(layout); }

API int cublasLtMatrixLayoutSetAttribute(Layout* l, int attribute, const void* value, size_t size) {
  if (!exist({l})) return misuse("no such matrix layout");
  return set_attribute("a matrix layout", {{5, {&l->batch, 4}}, {6, {&l->stride, 8}}}, attribute, value, size);
}

API int cublasLtMatmulPreferenceCreate(Preference** preference) { return create(preference, Preference{}); }
API int cublasLtMatmulPreferenceDestroy(Preference* preference) { return destroy(preference); }

API int cublasLtMatmulPreferenceSetAttribute(Preference* p, int attribute, const void* value, size_t size) {
  if (!exist({p})) return misuse("no such preference");
  return set_attribute("a preference",
                       {{1, {&p->workspace, 8}},
                        {3, {&p->reduction, 4}},
                        {5, {&p->alignment[0], 4}},
                        {6, {&p->alignment[1], 4}},
                        {7, {&p->alignment[2], 4}},
                        {8, {&p->alignment[3], 4}}},
                       attribute, value, size);
}

// ---- products

API int cublasLtMatmulAlgoGetHeuristic(Handle* handle, Desc* desc, Layout* a, Layout* b, Layout* c, Layout* d,
                                       Preference* preference, int requested, Result* results, int* count) {
  *count = 0;
  if (!exist({handle, desc, a, b, c, d, preference}) || requested < 1) return misuse("GetHeuristic: arguments");
  if (const int status = check(*desc, *a, *b, *c, *d)) return status;
  if (d->type == kBf16 && preference->reduction & (kReduceInPlace | kReduceOutput))
    return misuse("sums of parts of K may be rounded to bfloat16");
  const char* lt = std::getenv("GPT_SIM_LT");
  if (lt && std::string(lt) == "nothing") return kSuccess;
  for (size_t workspace : {size_t{64} << 10, size_t{0}, size_t{1} << 20}) {
    if (workspace > preference->workspace || *count == requested) continue;
    Result& r = results[(*count)++];
    r = {};
    r.algo.problem = problem_of(*desc, *a, *b, *c, *d);
    r.algo.workspace = r.workspace = workspace;
    std::copy_n(preference->alignment, 4, r.algo.alignment);
    r.waves = 1;
  }
  return kSuccess;
}

API int cublasLtMatmulAlgoCheck(Handle* handle, Desc* desc, Layout* a, Layout* b, Layout* c, Layout* d,
                                const Algo* algo, Result* result) {
  if (!exist({handle, desc, a, b, c, d}) || !algo || !result) return misuse("AlgoCheck: arguments");
  if (const int status = check(*desc, *a, *b, *c, *d)) return status;
  if (algo->problem != problem_of(*desc, *a, *b, *c, *d)) return kNotSupported;
  *result = {};
  result->algo = *algo;
  result->workspace = algo->workspace;
  return kSuccess;
}

API int cublasLtMatmul(Handle* handle, Desc* desc, const float* alpha, const char* a, Layout* la, const char* b,
                       Layout* lb, const float* beta, const char* c, Layout* lc, char* d, Layout* ld, const Algo* algo,
                       char* workspace, size_t workspace_size, void*) {
  if (!exist({handle, desc, la, lb, lc, ld}) || !alpha || !beta) return misuse("Matmul: arguments");
  if (const int status = check(*desc, *la, *lb, *lc, *ld)) return status;
  if (algo && algo->problem != problem_of(*desc, *la, *lb, *lc, *ld))
    return misuse("the algorithm was found for another product");

  const void* pointers[] = {a, b, c, d};
  const Layout* layouts[] = {la, lb, lc, ld};
  for (int i = 0; i < 4; i++) {
    if (i == 2 && *beta == 0) continue;
    const uintptr_t alignment = std::max(16u, algo ? algo->alignment[i] : 0u);
    if (reinterpret_cast<uintptr_t>(pointers[i]) % alignment)
      return misuse("%c is not aligned to %d bytes", "ABCD"[i], static_cast<int>(alignment));
    if (!driver().inside(pointers[i], layouts[i]->extent())) return misuse("%c is not inside an allocation", "ABCD"[i]);
  }
  if (desc->epilogue == kBias || desc->epilogue == kGeluAuxBias) {
    if (reinterpret_cast<uintptr_t>(desc->bias) % 16 || !driver().inside(desc->bias, ld->rows * width(ld->type)))
      return misuse("the bias is not aligned to 16 bytes or not inside an allocation");
  }
  if (desc->epilogue == kGeluAuxBias || desc->epilogue == kDGelu) {
    const int64_t elements = (static_cast<int64_t>(ld->cols) - 1) * desc->aux_ld + static_cast<int64_t>(ld->rows);
    if (reinterpret_cast<uintptr_t>(desc->aux) % 16 || !driver().inside(desc->aux, elements * width(ld->type)))
      return misuse("the auxiliary matrix is not aligned to 16 bytes or not inside an allocation");
  }
  const size_t used = algo ? algo->workspace : 0;
  if (used > workspace_size) return misuse("the algorithm needs %zu bytes of workspace, not %zu", used, workspace_size);
  if (workspace_size && (reinterpret_cast<uintptr_t>(workspace) % 16 || !driver().inside(workspace, workspace_size)))
    return misuse("the workspace is not aligned to 16 bytes or not inside an allocation");

  const int begun = driver().begin("cublasLtMatmul");
  if (begun) return begun == 1 ? kSuccess : kExecutionFailed;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < la->batch; i++) {
    const auto offset = [&](const Layout* l) { return i * l->stride * l->element(); };
    multiply(*desc, *alpha, a + offset(la), *la, b + offset(lb), *lb, *beta, c + offset(lc), d + offset(ld), *ld);
  }
  std::memset(workspace, 0xff, used);
  driver().end("cublasLtMatmul", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return kSuccess;
}
