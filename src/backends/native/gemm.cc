// Tiled matrix product; see gemm.h.
//
// oneDNN is loaded at run time, so one binary serves machines with and without it. Only matmul primitives are used:
// dnnl_sgemm of oneDNN 2.6 corrupts the heap when a signal arrives inside it. A primitive costs 0.2 to 1.5 ms to make,
// so they are cached per shape and thread.
#include "gemm.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <string>

#include "scratch.h"

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#if DNNL_VERSION_MAJOR == 2
#define GPT_ONEDNN 1
#endif
#endif

namespace gpt {

// ---- own product --------------------------------------------------------------------------------------------------

namespace {

constexpr int64_t kBlockK = 256;  // a packed panel of B (kBlockK x kTileCols floats) stays in the L1 cache

// Packs columns [0, cols) of B(k0 .. k0+depth) into panels of kTileCols columns, zero-padded.
void pack_b(Matrix b, int64_t k0, int64_t depth, int64_t cols, float* out) {
  for (int64_t j0 = 0; j0 < cols; j0 += kTileCols) {
    const int64_t n = std::min<int64_t>(kTileCols, cols - j0);
    if (b.transposed) {
      for (int64_t j = 0; j < n; j++) {
        const float* from = b.data + (j0 + j) * b.stride + k0;
        for (int64_t k = 0; k < depth; k++) out[k * kTileCols + j] = from[k];
      }
    } else {
      for (int64_t k = 0; k < depth; k++) std::copy_n(b.data + (k0 + k) * b.stride + j0, n, out + k * kTileCols);
    }
    if (n < kTileCols) {
      for (int64_t k = 0; k < depth; k++) std::fill(out + k * kTileCols + n, out + (k + 1) * kTileCols, 0.0f);
    }
    out += depth * kTileCols;
  }
}

// Packs A(all rows, k0 .. k0+depth) as (depth, rows): the register tile reads it row by row.
void pack_a(Matrix a, int64_t rows, int64_t k0, int64_t depth, float* out) {
  if (a.transposed) {
    for (int64_t k = 0; k < depth; k++) std::copy_n(a.data + (k0 + k) * a.stride, rows, out + k * rows);
  } else {
    for (int64_t i = 0; i < rows; i++) {
      const float* from = a.data + i * a.stride + k0;
      for (int64_t k = 0; k < depth; k++) out[k * rows + i] = from[k];
    }
  }
}

void own_gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate) {
  static thread_local Scratch scratch_a, scratch_b, scratch_c;
  const int64_t panels = (N + kTileCols - 1) / kTileCols;
  float* pa = scratch_a.floats(M * kBlockK);
  float* pb = scratch_b.floats(panels * kTileCols * kBlockK);
  if (K == 0 && !accumulate) {
    for (int64_t i = 0; i < M; i++) std::fill_n(c + i * c_stride, N, 0.0f);
  }
  for (int64_t k0 = 0; k0 < K; k0 += kBlockK) {
    const int64_t depth = std::min(kBlockK, K - k0);
    const bool add = accumulate || k0 > 0;
    pack_a(a, M, k0, depth, pa);
    pack_b(b, k0, depth, N, pb);
    for (int64_t p = 0; p < panels; p++) {
      const int64_t n = std::min<int64_t>(kTileCols, N - p * kTileCols);
      const float* panel = pb + p * depth * kTileCols;
      float* cp = c + p * kTileCols;
      if (n == kTileCols) {
        small_gemm(M, kTileCols, depth, pa, 1, M, panel, kTileCols, cp, c_stride, add);
      } else {  // last columns: through a full-width copy
        float* edge = scratch_c.floats(M * kTileCols);
        for (int64_t i = 0; i < M && add; i++) std::copy_n(cp + i * c_stride, n, edge + i * kTileCols);
        small_gemm(M, kTileCols, depth, pa, 1, M, panel, kTileCols, edge, kTileCols, add);
        for (int64_t i = 0; i < M; i++) std::copy_n(edge + i * kTileCols, n, cp + i * c_stride);
      }
    }
  }
}

// ---- oneDNN -------------------------------------------------------------------------------------------------------

bool onednn_enabled = true;

#ifdef GPT_ONEDNN
struct OneDnn {
  void* handle = nullptr;
  std::string description;
  dnnl_engine_t engine = nullptr;
#define GPT_DNNL(name) decltype(&dnnl_##name) name = nullptr
  GPT_DNNL(engine_create);
  GPT_DNNL(memory_desc_init_by_strides);
  GPT_DNNL(matmul_desc_init);
  GPT_DNNL(primitive_attr_create);
  GPT_DNNL(primitive_attr_destroy);
  GPT_DNNL(post_ops_create);
  GPT_DNNL(post_ops_append_sum);
  GPT_DNNL(post_ops_destroy);
  GPT_DNNL(primitive_attr_set_post_ops);
  GPT_DNNL(primitive_desc_create);
  GPT_DNNL(primitive_desc_destroy);
  GPT_DNNL(primitive_create);
  GPT_DNNL(memory_create);
  GPT_DNNL(memory_set_data_handle);
  GPT_DNNL(stream_create);
  GPT_DNNL(primitive_execute);
  GPT_DNNL(version);
  GPT_DNNL(set_max_cpu_isa);
#undef GPT_DNNL

  OneDnn() {
    const std::string soname = "libdnnl.so." + std::to_string(DNNL_VERSION_MAJOR);
    handle = dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      description = "own matmul kernels (" + soname + " not found)";
      return;
    }
#define GPT_DNNL(name) name = reinterpret_cast<decltype(name)>(dlsym(handle, "dnnl_" #name))
    GPT_DNNL(engine_create);
    GPT_DNNL(memory_desc_init_by_strides);
    GPT_DNNL(matmul_desc_init);
    GPT_DNNL(primitive_attr_create);
    GPT_DNNL(primitive_attr_destroy);
    GPT_DNNL(post_ops_create);
    GPT_DNNL(post_ops_append_sum);
    GPT_DNNL(post_ops_destroy);
    GPT_DNNL(primitive_attr_set_post_ops);
    GPT_DNNL(primitive_desc_create);
    GPT_DNNL(primitive_desc_destroy);
    GPT_DNNL(primitive_create);
    GPT_DNNL(memory_create);
    GPT_DNNL(memory_set_data_handle);
    GPT_DNNL(stream_create);
    GPT_DNNL(primitive_execute);
    GPT_DNNL(version);
    GPT_DNNL(set_max_cpu_isa);
#undef GPT_DNNL
#if defined(__x86_64__) && !defined(__AVX512F__)
    // a library for a lesser instruction set was chosen: oneDNN must not use more than it
#if defined(__AVX2__)
    set_max_cpu_isa(dnnl_cpu_isa_avx2);
#else
    set_max_cpu_isa(dnnl_cpu_isa_sse41);
#endif
#endif
    if (!engine_create || !primitive_execute || engine_create(&engine, dnnl_cpu, 0) != dnnl_success) {
      description = "own matmul kernels (" + soname + " does not work)";
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
    check(d.memory_desc_init_by_strides(&a, 2, a_dims, dnnl_f32, a_strides), "memory descriptor");
    check(d.memory_desc_init_by_strides(&b, 2, b_dims, dnnl_f32, b_strides), "memory descriptor");
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

  void run(const float* a, const float* b, float* c) {
    OneDnn& d = onednn();
    d.memory_set_data_handle(a_, const_cast<float*>(a));
    d.memory_set_data_handle(b_, const_cast<float*>(b));
    d.memory_set_data_handle(c_, c);
    const dnnl_exec_arg_t args[3] = {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}};
    check(d.primitive_execute(primitive_, stream_, 3, args), "matmul");
  }

 private:
  dnnl_primitive_t primitive_ = nullptr;
  dnnl_memory_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  dnnl_stream_t stream_ = nullptr;
};

void onednn_gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate) {
  using Key = std::array<int64_t, 9>;
  static thread_local std::map<Key, MatmulPrimitive*> cache;
  const Key key = {M, N, K, a.stride, a.transposed, b.stride, b.transposed, c_stride, accumulate};
  auto it = cache.find(key);
  if (it == cache.end()) {
    if (cache.size() > 4096) cache.clear();  // shapes that vary without end (generation): start over
    it = cache
             .emplace(key, new MatmulPrimitive(M, N, K, a.stride, a.transposed, b.stride, b.transposed, c_stride,
                                               accumulate))
             .first;
  }
  it->second->run(a.data, b.data, c);
}
#endif  // GPT_ONEDNN

bool onednn_available() {
#ifdef GPT_ONEDNN
  return onednn().handle != nullptr;
#else
  return false;
#endif
}

}  // namespace

const char* gemm_library() {
#ifdef GPT_ONEDNN
  return onednn().description.c_str();
#else
  return "own matmul kernels (built without oneDNN's headers)";
#endif
}

bool use_onednn(bool on) {
  onednn_enabled = on;
  return on && onednn_available();
}

// ---- tiles --------------------------------------------------------------------------------------------------------

void gemm_serial(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate) {
  if (M == 0 || N == 0) return;
#ifdef GPT_ONEDNN
  if (onednn_enabled && K > 0 && onednn_available()) return onednn_gemm(M, N, K, a, b, c, c_stride, accumulate);
#endif
  own_gemm(M, N, K, a, b, c, c_stride, accumulate);
}

constexpr int64_t kSmall = 32768;  // multiply-adds

void gemm(int64_t M, int64_t N, int64_t K, Matrix a, Matrix b, float* c, int64_t c_stride, bool accumulate,
          const Epilogue& epilogue) {
  // A tile and its operands fit the L2 cache. Small products are cut finer, so that 16 cores have work.
  int64_t tile_m = 256, tile_n = 512;
  const auto tiles = [&] { return ((M + tile_m - 1) / tile_m) * ((N + tile_n - 1) / tile_n); };
  while (tiles() < 16 && tile_m * tile_n > 128 * 128) {
    if (tile_n > tile_m)
      tile_n /= 2;
    else
      tile_m /= 2;
  }
  const int64_t rows = (M + tile_m - 1) / tile_m, cols = (N + tile_n - 1) / tile_n;
  if (M * N * K <= kSmall) {  // not worth waking threads; and outside a parallel region oneDNN would start its own
    if (M > 0 && N > 0) own_gemm(M, N, K, a, b, c, c_stride, accumulate);
    if (epilogue && M > 0 && N > 0) epilogue(0, M, 0, N);
    return;
  }
  (void)onednn_available();  // load it outside the parallel region
  std::string error;
#pragma omp parallel for collapse(2) schedule(dynamic)
  for (int64_t tj = 0; tj < cols; tj++) {
    for (int64_t ti = 0; ti < rows; ti++) {
      const int64_t i0 = ti * tile_m, i1 = std::min(M, i0 + tile_m);
      const int64_t j0 = tj * tile_n, j1 = std::min(N, j0 + tile_n);
      const Matrix at = {a.data + (a.transposed ? i0 : i0 * a.stride), a.stride, a.transposed};
      const Matrix bt = {b.data + (b.transposed ? j0 * b.stride : j0), b.stride, b.transposed};
      try {
        gemm_serial(i1 - i0, j1 - j0, K, at, bt, c + i0 * c_stride + j0, c_stride, accumulate);
        if (epilogue) epilogue(i0, i1, j0, j1);
      } catch (const std::exception& e) {  // must not leave the parallel region
#pragma omp critical
        error = e.what();
      }
    }
  }
  if (!error.empty()) throw std::runtime_error(error);
}

void product(int64_t M, int64_t N, int64_t K, Matrix a, Weights b, float* c, int64_t c_stride,
             const Epilogue& epilogue) {
  if (M <= kFewRows && !a.transposed && M * N * K > kSmall) {
    few_rows(M, N, K, a, b, c, c_stride);
    if (epilogue) epilogue(0, M, 0, N);
    return;
  }
  const float* values = static_cast<const float*>(b.stored.data);
  if (b.stored.bf16) {
    static thread_local Scratch scratch;
    const int64_t size = (b.transposed ? N : K) * b.stride;
    const uint16_t* halves = static_cast<const uint16_t*>(b.stored.data);
    float* expanded = scratch.floats(size);
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < size; i++) expanded[i] = bf16_to_float(halves[i]);
    values = expanded;
  }
  gemm(M, N, K, a, {values, b.stride, b.transposed}, c, c_stride, false, epilogue);
}

}  // namespace gpt
