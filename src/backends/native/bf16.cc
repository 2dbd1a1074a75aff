// Products of matrices rounded to bfloat16, with float32 sums.
//
// oneDNN makes them, on CPUs that have the instructions (AVX-512 BF16: twice the float32 rate on Zen 4 and 5, half of
// it on some Xeons; AMX: many times). It is loaded at run time. Elsewhere gemm() multiplies the rounded numbers: slower
// than float32, but a run can go on anywhere. An operand that is not stored as bfloat16 is rounded here, whole, before
// its use.
//
// Only matmul primitives are used: dnnl_sgemm of oneDNN 2.6 corrupts the heap when a signal arrives inside it. A
// primitive costs 0.2 to 1.5 ms to make, so they are cached per shape and thread. Tiles depend on the shape alone: how
// oneDNN orders a sum may depend on the tile.
#include <dlfcn.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <string>

#include "columns.h"
#include "gemm.h"
#include "scratch.h"

#if defined(__AVX512F__)
#include <cpuid.h>
#endif

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#if DNNL_VERSION_MAJOR == 2
#define GPT_ONEDNN 1
#endif
#endif

namespace gpt {

const char* bf16_instructions() {
#if defined(__AVX512F__)
  unsigned a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1)) {
    unsigned low, high;  // the registers that the operating system saves: tiles are bits 17 and 18
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3) == 3) return "amx";
  }
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1)) return "avx512_bf16";
#endif
  return "";
}

namespace {

#ifdef GPT_ONEDNN

// What is used of it.
// clang-format off
#define GPT_DNNL_FUNCTIONS(X) \
  X(engine_create) X(stream_create) X(version) \
  X(memory_create) X(memory_desc_init_by_strides) X(memory_set_data_handle) X(matmul_desc_init) \
  X(primitive_attr_create) X(primitive_attr_destroy) X(primitive_attr_set_post_ops) \
  X(post_ops_create) X(post_ops_append_sum) X(post_ops_destroy) \
  X(primitive_desc_create) X(primitive_desc_destroy) X(primitive_create) X(primitive_execute)
// clang-format on

struct OneDnn {
  void* handle = nullptr;
  std::string description;
  dnnl_engine_t engine = nullptr;
#define GPT_DNNL(name) decltype(&dnnl_##name) name = nullptr;
  GPT_DNNL_FUNCTIONS(GPT_DNNL)
#undef GPT_DNNL

  OneDnn() {
    if (*bf16_instructions() == 0) return;
    const std::string soname = "libdnnl.so." + std::to_string(DNNL_VERSION_MAJOR);
    handle = dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
#define GPT_DNNL(name) name = reinterpret_cast<decltype(name)>(dlsym(handle, "dnnl_" #name));
    GPT_DNNL_FUNCTIONS(GPT_DNNL)
#undef GPT_DNNL
    if (!engine_create || !primitive_execute || engine_create(&engine, dnnl_cpu, 0) != dnnl_success) {
      handle = nullptr;
      return;
    }
    const dnnl_version_t* v = version();
    description =
        "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }
};

OneDnn& onednn() {
  static OneDnn library;
  return library;
}

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) throw std::runtime_error(std::string("oneDNN: ") + what + " failed");
}

// A matmul of one shape, with the memory objects it is called with. Never destroyed: they live as long as the thread
// pool, and their number is that of the distinct tile shapes.
class MatmulPrimitive {
 public:
  MatmulPrimitive(int64_t M, int64_t N, int64_t K, int64_t a_stride, bool a_transposed, int64_t b_stride,
                  bool b_transposed, int64_t c_stride, bool accumulate) {
    OneDnn& d = onednn();
    dnnl_memory_desc_t a, b, c;
    const dnnl_dims_t a_dims = {M, K}, b_dims = {K, N}, c_dims = {M, N};
    const dnnl_dims_t a_strides = {a_transposed ? 1 : a_stride, a_transposed ? a_stride : 1};
    const dnnl_dims_t b_strides = {b_transposed ? 1 : b_stride, b_transposed ? b_stride : 1};
    const dnnl_dims_t c_strides = {c_stride, 1};
    check(d.memory_desc_init_by_strides(&a, 2, a_dims, dnnl_bf16, a_strides), "memory descriptor");
    check(d.memory_desc_init_by_strides(&b, 2, b_dims, dnnl_bf16, b_strides), "memory descriptor");
    check(d.memory_desc_init_by_strides(&c, 2, c_dims, dnnl_f32, c_strides), "memory descriptor");
    dnnl_matmul_desc_t description;
    check(d.matmul_desc_init(&description, &a, &b, nullptr, &c), "matmul descriptor");
    dnnl_primitive_attr_t attr;
    check(d.primitive_attr_create(&attr), "attributes");
    if (accumulate) {
      dnnl_post_ops_t ops;
      check(d.post_ops_create(&ops), "post-ops");
      check(d.post_ops_append_sum(ops, 1.0f), "sum");
      check(d.primitive_attr_set_post_ops(attr, ops), "post-ops");
      d.post_ops_destroy(ops);
    }
    dnnl_primitive_desc_t pd;
    check(d.primitive_desc_create(&pd, &description, attr, d.engine, nullptr), "primitive descriptor");
    check(d.primitive_create(&primitive_, pd), "primitive");
    d.primitive_desc_destroy(pd);
    d.primitive_attr_destroy(attr);
    check(d.memory_create(&a_, &a, d.engine, nullptr), "memory");
    check(d.memory_create(&b_, &b, d.engine, nullptr), "memory");
    check(d.memory_create(&c_, &c, d.engine, nullptr), "memory");
    check(d.stream_create(&stream_, d.engine, dnnl_stream_default_flags), "stream");
  }

  void run(const uint16_t* a, const uint16_t* b, float* c) {
    OneDnn& d = onednn();
    d.memory_set_data_handle(a_, const_cast<uint16_t*>(a));
    d.memory_set_data_handle(b_, const_cast<uint16_t*>(b));
    d.memory_set_data_handle(c_, c);
    const dnnl_exec_arg_t args[3] = {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}};
    check(d.primitive_execute(primitive_, stream_, 3, args), "matmul");
  }

 private:
  dnnl_primitive_t primitive_ = nullptr;
  dnnl_memory_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  dnnl_stream_t stream_ = nullptr;
};

void onednn_tile(int64_t M, int64_t N, int64_t K, const uint16_t* a, int64_t a_stride, bool a_transposed,
                 const uint16_t* b, int64_t b_stride, bool b_transposed, float* c, int64_t c_stride, bool accumulate) {
  using Key = std::array<int64_t, 9>;
  static thread_local std::map<Key, MatmulPrimitive*> cache;
  const Key key = {M, N, K, a_stride, a_transposed, b_stride, b_transposed, c_stride, accumulate};
  if (cache.size() > 4096) cache.clear();  // shapes that vary without end (generation): start over
  MatmulPrimitive*& primitive = cache[key];
  if (!primitive)
    primitive = new MatmulPrimitive(M, N, K, a_stride, a_transposed, b_stride, b_transposed, c_stride, accumulate);
  primitive->run(a, b, c);
}

#endif  // GPT_ONEDNN

constexpr int64_t kTiles = 16;  // work for as many cores

// m (rows as stored) as bfloat16: as it is, or rounded into scratch.
const uint16_t* halves_of(StoredMatrix m, int64_t rows, Scratch& scratch) {
  if (m.stored.bf16) return static_cast<const uint16_t*>(m.stored.data);
  const float* x = static_cast<const float*>(m.stored.data);
  const int64_t size = rows * m.stride;
  uint16_t* out = reinterpret_cast<uint16_t*>(scratch.floats((size + 1) / 2));
  to_bf16(x, size, out);
  return out;
}

}  // namespace

void to_bf16(const float* x, int64_t size, uint16_t* out) {
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < size; i++) out[i] = float_to_bf16(x[i]);
}

const float* from_bf16(const uint16_t* x, int64_t size, Scratch& scratch) {
  float* out = scratch.floats(size);
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < size; i++) out[i] = bf16_to_float(x[i]);
  return out;
}

const char* bf16_library() {
#ifdef GPT_ONEDNN
  return onednn().handle ? onednn().description.c_str() : "";
#else
  return "";
#endif
}

void gemm_bf16(int64_t M, int64_t N, int64_t K, StoredMatrix a, StoredMatrix b, float* c, int64_t c_stride,
               bool accumulate, const Epilogue& epilogue, float* column_sums) {
  static thread_local Scratch for_a, for_b, wide_a, wide_b;
  const int64_t a_rows = a.transposed ? K : M, b_rows = b.transposed ? N : K;
  const uint16_t *ha = halves_of(a, a_rows, for_a), *hb = halves_of(b, b_rows, for_b);
#ifdef GPT_ONEDNN
  if (M * N * K > kSmall && !omp_in_parallel() && onednn().handle) {
    std::string error;
    for_tiles(M, N, kTiles, [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
      try {
        onednn_tile(i1 - i0, j1 - j0, K, ha + (a.transposed ? i0 : i0 * a.stride), a.stride, a.transposed,
                    hb + (b.transposed ? j0 * b.stride : j0), b.stride, b.transposed, c + i0 * c_stride + j0, c_stride,
                    accumulate);
        if (epilogue) epilogue(i0, i1, j0, j1);
      } catch (const std::exception& e) {  // must not leave the parallel region
#pragma omp critical
        error = e.what();
      }
    });
    if (!error.empty()) throw std::runtime_error(error);
    if (column_sums) {
      sum_over_rows(K, N, column_sums, true, [&](int64_t first, int64_t last, float* partial) {
        for (int64_t k = first; k < last; k++) {
#pragma omp simd
          for (int64_t j = 0; j < N; j++) partial[j] += bf16_to_float(hb[k * b.stride + j]);
        }
      });
    }
    return;
  }
#endif
  gemm(M, N, K, {from_bf16(ha, a_rows * a.stride, wide_a), a.stride, a.transposed},
       {from_bf16(hb, b_rows * b.stride, wide_b), b.stride, b.transposed}, c, c_stride, accumulate, epilogue,
       column_sums);
}

void gemm_in(bool bf16, int64_t M, int64_t N, int64_t K, StoredMatrix a, StoredMatrix b, float* c, int64_t c_stride,
             bool accumulate, const Epilogue& epilogue, float* column_sums) {
  if (bf16) return gemm_bf16(M, N, K, a, b, c, c_stride, accumulate, epilogue, column_sums);
  GPT_CHECK(!a.stored.bf16 && !b.stored.bf16, "an operand is not stored as float32");
  const auto floats = [](StoredMatrix m) -> Matrix {
    return {static_cast<const float*>(m.stored.data), m.stride, m.transposed};
  };
  gemm(M, N, K, floats(a), floats(b), c, c_stride, accumulate, epilogue, column_sums);
}

// in x_1 .. x_n; out their copies, stored as bfloat16: what a step's products read
static void round_weights(const Call& call) {
  GPT_CHECK(call.in.size() == call.out.size(), "needs a copy for each tensor");
  for (size_t t = 0; t < call.in.size(); t++) {
    const int64_t size = call.in[t].size;
    const float* x = f32_in(call, t, size);
    GPT_CHECK(call.out[t].dtype == DType::bf16 && call.out[t].size == size, "a copy is not stored as bfloat16");
    to_bf16(x, size, static_cast<uint16_t*>(call.out[t].data));
  }
}
GPT_KERNEL_BF16("GptRoundWeights", "bfloat16 copies of float32 tensors", round_weights);

}  // namespace gpt
