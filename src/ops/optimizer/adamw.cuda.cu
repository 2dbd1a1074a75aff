// Optimizer updates, the global gradient norm and bfloat16 copies on the GPU, of all parameters at once. Formulas:
// adamw.ts.
//
// The tensors of a call are cut into pieces of up to 16,384 elements, listed in device memory; a block of 256 threads
// takes one piece, 16 bytes a thread and access. All three run at the speed of memory. Bytes per parameter: Adam 32 (p,
// m, v and g read; written too), the norm 4, a copy 6: for GPT-2 124M on an H100 (3.35 TB/s) 1.2, 0.15 and 0.22 ms.
#include "../../backends/cuda/device.cuh"

// The twin of Piece in adamw.cuda.cc. Pieces are aligned to 16 bytes.
struct OptimizerPiece {
  void* at[4];  // Adam: p, m, v, g; norm: g; copies: from, to
  i64 size;     // elements
  double decay;
};

// ---- norm

// The sum over the 256 threads, in thread 0. shared: 8 numbers.
DEVICE double optimizer_block_sum(double v, double* shared) {
#pragma unroll
  for (int lanes = 16; lanes; lanes >>= 1) v += __shfl_xor_sync(kAllLanes, v, lanes);
  if ((threadIdx.x & 31) == 0) shared[threadIdx.x >> 5] = v;
  __syncthreads();
  if (threadIdx.x == 0) {
#pragma unroll
    for (int warp = 1; warp < 8; warp++) v += shared[warp];
  }
  return v;
}

// sums[piece] = its sum of squares. In float64, as on the CPU: a GPU of the data centre has the units, and elsewhere
// two operations an element still keep up with the memory.
KERNEL(256, optimizer_norm_pieces, const OptimizerPiece* __restrict__ pieces, double* __restrict__ sums) {
  KERNEL_SHARED(double, shared);  // 8
  const float* g = static_cast<const float*>(pieces[blockIdx.x].at[0]);
  const int size = static_cast<int>(pieces[blockIdx.x].size), whole = size / 4, thread = static_cast<int>(threadIdx.x);
  double sum = 0;
#pragma unroll 4
  for (int i = thread; i < whole; i += 256) {
    const Pack<float> v = reinterpret_cast<const Pack<float>*>(g)[i];
#pragma unroll
    for (int k = 0; k < 4; k++) sum += static_cast<double>(v.at[k]) * v.at[k];
  }
  for (int i = whole * 4 + thread; i < size; i += 256) sum += static_cast<double>(g[i]) * g[i];
  sum = optimizer_block_sum(sum, shared);
  if (thread == 0) sums[blockIdx.x] = sum;
}

KERNEL(256, optimizer_norm, const double* __restrict__ sums, int count, float* __restrict__ norm) {
  KERNEL_SHARED(double, shared);  // 8
  double sum = 0;
#pragma unroll 8
  for (int i = static_cast<int>(threadIdx.x); i < count; i += 256) sum += sums[i];
  sum = optimizer_block_sum(sum, shared);
  if (threadIdx.x == 0) norm[0] = static_cast<float>(sqrt(sum));
}

// ---- Adam

struct OptimizerStep {
  float coefficient, rate, decay, root, beta1, beta2, eps;

  DEVICE void update(float& p, float& m, float& v, float& g) const {
    const float gi = g * coefficient;
    m = beta1 * m + (1 - beta1) * gi;
    v = beta2 * v + (1 - beta2) * gi * gi;
    g = 0;
    p = (p - decay * p) - rate * m / (sqrtf(v) * root + eps);
  }
};

// decay_rate: what multiplies a piece's decay. The constants are computed in float64 and rounded once, as on the CPU.
KERNEL(256, optimizer_adam, const OptimizerPiece* __restrict__ pieces, const float* __restrict__ norm, double clip,
       double clip_epsilon, double decay_rate, float rate, float root, float beta1, float beta2, float eps) {
  KERNEL_SHARED(float, constants);  // 2
  const double n = norm[0];
  // A step whose gradients are not finite changes nothing, so that a run can go on from here.
  if (!(n < DEVICE_INFINITY)) return;
  const OptimizerPiece piece = pieces[blockIdx.x];
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {  // once: some GPUs have one float64 unit for 64 of float32
    const double c = clip > 0 ? clip / (n + clip_epsilon) : 1;
    constants[0] = static_cast<float>(c < 1 ? c : 1);
    constants[1] = static_cast<float>(decay_rate * piece.decay);
  }
  __syncthreads();
  const OptimizerStep step = {constants[0], rate, constants[1], root, beta1, beta2, eps};

  float *p = static_cast<float*>(piece.at[0]), *m = static_cast<float*>(piece.at[1]);
  float *v = static_cast<float*>(piece.at[2]), *g = static_cast<float*>(piece.at[3]);
  const int size = static_cast<int>(piece.size), whole = size / 4;
  for (int i = thread; i < whole; i += 256) {
    Pack<float> pi = reinterpret_cast<Pack<float>*>(p)[i], mi = reinterpret_cast<Pack<float>*>(m)[i];
    Pack<float> vi = reinterpret_cast<Pack<float>*>(v)[i], gi = reinterpret_cast<Pack<float>*>(g)[i];
#pragma unroll
    for (int k = 0; k < 4; k++) step.update(pi.at[k], mi.at[k], vi.at[k], gi.at[k]);
    reinterpret_cast<Pack<float>*>(p)[i] = pi;
    reinterpret_cast<Pack<float>*>(m)[i] = mi;
    reinterpret_cast<Pack<float>*>(v)[i] = vi;
    reinterpret_cast<Pack<float>*>(g)[i] = gi;
  }
  for (int i = whole * 4 + thread; i < size; i += 256) step.update(p[i], m[i], v[i], g[i]);
}

// ---- copies

DEVICE void optimizer_round_piece(const float* __restrict__ from, bf16* __restrict__ to, int size) {
  const int whole = size / 8, thread = static_cast<int>(threadIdx.x);
#pragma unroll 2
  for (int i = thread; i < whole; i += 256) {
    const Pack<float> a = reinterpret_cast<const Pack<float>*>(from)[2 * i];
    const Pack<float> b = reinterpret_cast<const Pack<float>*>(from)[2 * i + 1];
    const float v[8] = {a.at[0], a.at[1], a.at[2], a.at[3], b.at[0], b.at[1], b.at[2], b.at[3]};
    reinterpret_cast<Pack<bf16>*>(to)[i] = to_pack<bf16>(v);
  }
  for (int i = whole * 8 + thread; i < size; i += 256) to[i] = to_bf16(from[i]);
}

KERNEL(256, optimizer_round, const OptimizerPiece* __restrict__ pieces) {
  const OptimizerPiece piece = pieces[blockIdx.x];
  optimizer_round_piece(static_cast<const float*>(piece.at[0]), static_cast<bf16*>(piece.at[1]),
                        static_cast<int>(piece.size));
}

// One tensor needs no list.
KERNEL(256, optimizer_round_one, const float* __restrict__ from, bf16* __restrict__ to, i64 size, int piece) {
  const i64 first = static_cast<i64>(blockIdx.x) * piece, left = size - first;
  optimizer_round_piece(from + first, to + first, static_cast<int>(left < piece ? left : piece));
}
