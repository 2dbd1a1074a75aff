// Launches attention on the GPU. Kernels: attention_mma.cuda.cu, attention.cuda.cu, cached_attention.cuda.cu;
// mathematics and shapes: attention.ts.
//
// bfloat16 with a head size of kTiles runs on tensor cores; everything else by the plain kernels, in float32
// arithmetic.
#include <algorithm>
#include <cmath>

#include "../../backends/cuda/kernel.h"

namespace gpt {

namespace {

// As the kernels take it: DropoutMask in device.cuh.
struct Mask {
  uint32_t threshold = 0;
  float scale = 1;
  uint32_t step = 0, site = 0, key0 = 0, key1 = 0;
};

struct Shape {
  int64_t B, T, H, D, window;
  Mask mask;

  explicit Shape(const Call& call)
      : B(call.dim(0)), T(call.dim(1)), H(call.dim(2)), D(call.dim(3)), window(call.dim(4)) {
    if (call.flag(5)) {
      const auto u32 = [&](size_t i) { return static_cast<uint32_t>(call.attrs.at(i)); };
      mask = {u32(6), call.num(7), u32(8), u32(9), u32(10), u32(11)};
    }
    check();
  }
  Shape(int64_t B, int64_t T, int64_t H, int64_t D, int64_t window) : B(B), T(T), H(H), D(D), window(window) {
    check();
  }
  void check() const {
    GPT_CHECK(D <= 256, "attention: a head size above 256 has no CUDA kernel");
    GPT_CHECK(T * 3 * C() < int64_t{1} << 31, "attention: one sequence of q, k and v has 2^31 elements or more");
    GPT_CHECK(window >= 1 && B <= 65535 && H * blocks(D, 64) <= 65535, "attention: B or H is too large");
  }
  int64_t C() const { return H * D; }
  int64_t padded() const { return blocks(T, 128) * 128; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(D)); }
  // of kernels: they count positions in 32 bits
  int t() const { return static_cast<int>(T); }
  int h() const { return static_cast<int>(H); }
  int d() const { return static_cast<int>(D); }
  int w() const { return static_cast<int>(std::min(window, T)); }
};

// Tiles of the tensor core kernels: rows that a block keeps, and rows of the other side that pass at a time.
struct Tiles {
  int64_t D, key_rows, key_passing, query_rows, query_passing;
};
constexpr Tiles kTiles[] = {
    {64, 128, 32, 128, 32}, {80, 64, 64, 128, 32}, {96, 64, 32, 128, 32}, {128, 64, 32, 128, 32}};
constexpr int64_t kForwardRows = 128, kForwardKeys = 64;
constexpr int64_t kPlainRows = 64, kPlainShared = 4 * 32 * 68 * 4;  // the latter in bytes

const Tiles* tensor_cores(const Shape& s, DType dtype) {
  if (dtype != DType::bf16) return nullptr;
  const auto* tiles = std::find_if(std::begin(kTiles), std::end(kTiles), [&](const Tiles& t) { return t.D == s.D; });
  return tiles == std::end(kTiles) ? nullptr : tiles;
}

std::string kernel_for(const char* what, const Shape& s) {
  return std::string(what) + "_d" + std::to_string(s.D) + "_bf16";
}

void forward(const Shape& s, DType dtype, const void* qkv, void* y, float* lse) {
  if (tensor_cores(s, dtype)) {
    launch(kernel_for("attention_forward", s), {blocks(s.T, kForwardRows), s.H, s.B}, 128,
           (kForwardRows + 4 * kForwardKeys) * s.D * 2, y, lse, qkv, s.t(), s.h(), s.w(), s.scale(), s.mask);
  } else {
    launch(typed("attention_forward", dtype), {blocks(s.T, kPlainRows), s.H * blocks(s.D, 64), s.B}, 256, kPlainShared,
           y, lse, qkv, s.t(), s.h(), s.d(), s.w(), s.scale(), s.mask);
  }
}

// The power of two not below n, at most 32.
int lanes_for(int64_t n) {
  int lanes = 1;
  while (lanes < n && lanes < 32) lanes *= 2;
  return lanes;
}

}  // namespace

// in qkv (B,T,3C); out y (B,T,C), lse (B,H,T); attrs B, T, H, D, window, dropout?, threshold, scale, step, site, keys
static void attention(const Call& call) {
  const Shape s(call);
  forward(s, call.in[0].dtype, tensor_in(call, 0, s.B * s.T * 3 * s.C()), tensor_out(call, 0, s.B * s.T * s.C()),
          f32_out(call, 1, s.B * s.H * s.T));
}
GPT_KERNEL("GptAttention", "causal or banded softmax attention, on tensor cores where the head size allows", "a", "af",
           attention);

// in qkv (B,T,3C), y (B,T,C), lse (B,H,T), dy (B,T,C); out dqkv (B,T,3C); attrs as GptAttention
static void attention_grad(const Call& call) {
  const Shape s(call);
  const DType dtype = call.in[0].dtype;
  const void* qkv = tensor_in(call, 0, s.B * s.T * 3 * s.C());
  const void* y = tensor_in(call, 1, s.B * s.T * s.C());
  const float* lse = f32_in(call, 2, s.B * s.H * s.T);
  const void* dy = tensor_in(call, 3, s.B * s.T * s.C());
  void* dqkv = tensor_out(call, 0, s.B * s.T * 3 * s.C());

  const int64_t count = s.B * s.H * s.padded();
  const Scratch scratch(2 * count * 4);
  float *lse2 = scratch.floats(), *delta = lse2 + count;
  const int64_t pack = 16 / bytes_of(dtype);
  const int lanes = lanes_for(s.D % pack == 0 ? s.D / pack : s.D), padded = static_cast<int>(s.padded());
  launch(typed("attention_rows", dtype), {blocks(s.padded() * lanes, 256), s.H, s.B}, 256, 0, lse2, delta, y, dy, lse,
         s.t(), padded, s.h(), s.d(), lanes);
  if (const Tiles* tiles = tensor_cores(s, dtype)) {
    launch(kernel_for("attention_grad_keys", s), {blocks(s.T, tiles->key_rows), s.H, s.B}, 128,
           (2 * tiles->key_rows + 4 * tiles->key_passing) * s.D * 2 + 4 * tiles->key_passing * 4, dqkv, qkv, dy, lse2,
           delta, s.t(), padded, s.h(), s.w(), s.scale(), s.mask);
    launch(kernel_for("attention_grad_queries", s), {blocks(s.T, tiles->query_rows), s.H, s.B}, 128,
           (2 * tiles->query_rows + 4 * tiles->query_passing) * s.D * 2, dqkv, qkv, dy, lse2, delta, s.t(), padded,
           s.h(), s.w(), s.scale(), s.mask);
  } else {
    for (const char* kernel : {"attention_grad_keys", "attention_grad_queries"}) {
      launch(typed(kernel, dtype), {blocks(s.T, kPlainRows), s.H * blocks(s.D, 64), s.B}, 256, kPlainShared, dqkv, qkv,
             dy, lse, delta, s.t(), padded, s.h(), s.d(), s.w(), s.scale(), s.mask);
    }
  }
}
GPT_KERNEL("GptAttentionGrad", "gradient of GptAttention", "aafa", "a", attention_grad);

// in qkv (B,T,3C); out y (B,T,C), and cache (2,B,P,C), which a piece's keys and values enter behind its `past`
// positions attrs B, T, H, D, window, P, and past and length of each piece; several only where B = 1
static void attention_cached(const Call& call) {
  const Shape all(call.dim(0), call.dim(1), call.dim(2), call.dim(3), call.dim(4));
  const int64_t P = call.dim(5), C = all.C();
  GPT_CHECK(P * C < int64_t{1} << 31, "attention: the cache of one sequence has 2^31 elements or more");
  const DType dtype = call.in[0].dtype;
  const auto* qkv = static_cast<const char*>(tensor_in(call, 0, all.B * all.T * 3 * C));
  auto* y = static_cast<char*>(tensor_out(call, 0, all.B * all.T * C));
  void* cache = tensor_out(call, 1, 2 * all.B * P * C);
  const int64_t pack = 16 / bytes_of(dtype);
  const int B = static_cast<int>(all.B), capacity = static_cast<int>(P), width = static_cast<int>(C);
  const int lanes = lanes_for(blocks(all.D, 8)), window = static_cast<int>(std::min(all.window, P));
  for (size_t a = 6; a < call.attrs.size(); a += 2) {
    const Shape s(all.B, call.dim(a + 1), all.H, all.D, all.window);
    const int past = static_cast<int>(call.dim(a));
    GPT_CHECK(past + s.T <= P, "the key-value cache is full");
    const int64_t elements = s.B * s.T * 2 * C, count = C % pack == 0 ? elements / pack : elements;
    launch(typed("attention_append", dtype), {blocks(count, 256)}, 256, 0, cache, qkv, B, s.t(), width, past, capacity,
           static_cast<long long>(count));
    constexpr int64_t kPrompt = 16;
    if (past == 0 && s.T >= kPrompt) {  // a prompt: its queries share the keys
      const Scratch lse(s.B * s.H * s.T * 4);
      forward(s, dtype, qkv, y, lse.floats());
    } else {
      launch(typed("attention_cached", dtype), {s.B * s.T * s.H}, 256, (256 / lanes * 2 + 256 * 8) * 4, y, qkv, cache,
             B, s.t(), s.h(), s.d(), window, past, capacity, lanes, s.scale());
    }
    qkv += s.T * 3 * C * bytes_of(dtype);
    y += s.T * C * bytes_of(dtype);
  }
}
GPT_KERNEL("GptAttentionCached", "attention of new tokens on a key-value cache", "a", "aa", attention_cached);

}  // namespace gpt
