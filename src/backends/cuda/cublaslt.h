// What we use of cuBLASLt 12 and 13, loaded at run time: our own declarations, with the numbers of its documentation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "driver.h"

namespace gpt {
namespace lt {

using Handle = struct LtContext*;
using Desc = struct LtMatmulDesc*;
using Layout = struct LtMatrixLayout*;
using Preference = struct LtPreference*;

struct Algo {
  uint64_t data[8];
};
struct Heuristic {
  Algo algo;
  size_t workspace;
  int status;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Algo) == 64 && sizeof(Heuristic) == 96 && offsetof(Heuristic, status) == 72, "cuBLASLt's ABI");

constexpr int kFloat32 = 0, kBfloat16 = 14;             // cudaDataType
constexpr int kComputeFloat32 = 68, kComputeTf32 = 77;  // cublasComputeType
constexpr int kTransposeA = 3, kTransposeB = 4, kEpilogue = 7, kBiasPointer = 8, kAuxPointer = 11, kAuxStride = 12,
              kAuxType = 22, kBiasType = 26;  // of a product
constexpr int kEpilogueDefault = 1, kEpilogueBias = 4, kEpilogueGeluAuxBias = 164, kEpilogueDgelu = 192;
constexpr int kBatchCount = 5, kBatchStep = 6;                   // of a layout
constexpr int kMaxWorkspace = 1, kReductions = 3;                // of a preference
constexpr uint32_t kReduceInComputeType = 2, kReduceAnyhow = 7;  // cublasLtReductionScheme

// name in our code, symbol in the library, parameters; all return 0 or an error
#define GPT_LT_FUNCTIONS(F)                                                                                         \
  F(Create, "cublasLtCreate", Handle*)                                                                              \
  F(DescCreate, "cublasLtMatmulDescCreate", Desc*, int compute, int scale)                                          \
  F(DescDestroy, "cublasLtMatmulDescDestroy", Desc)                                                                 \
  F(DescSet, "cublasLtMatmulDescSetAttribute", Desc, int, const void*, size_t)                                      \
  F(LayoutCreate, "cublasLtMatrixLayoutCreate", Layout*, int type, uint64_t rows, uint64_t columns, int64_t stride) \
  F(LayoutDestroy, "cublasLtMatrixLayoutDestroy", Layout)                                                           \
  F(LayoutSet, "cublasLtMatrixLayoutSetAttribute", Layout, int, const void*, size_t)                                \
  F(PreferenceCreate, "cublasLtMatmulPreferenceCreate", Preference*)                                                \
  F(PreferenceSet, "cublasLtMatmulPreferenceSetAttribute", Preference, int, const void*, size_t)                    \
  F(Heuristics, "cublasLtMatmulAlgoGetHeuristic", Handle, Desc, Layout a, Layout b, Layout c, Layout d, Preference, \
    int wanted, Heuristic*, int* found)                                                                             \
  F(AlgoCheck, "cublasLtMatmulAlgoCheck", Handle, Desc, Layout a, Layout b, Layout c, Layout d, const Algo*,        \
    Heuristic*)                                                                                                     \
  F(Matmul, "cublasLtMatmul", Handle, Desc, const void* alpha, const void* a, Layout, const void* b, Layout,        \
    const void* beta, const void* c, Layout, void* d, Layout, const Algo*, void* workspace, size_t, CUstream)

struct Library {
#define GPT_DECLARE(name, symbol, ...) int (*name)(__VA_ARGS__) = nullptr;
  GPT_LT_FUNCTIONS(GPT_DECLARE)
#undef GPT_DECLARE
  Handle handle = nullptr;
  std::string path;
  size_t version = 0;
};

// Loads the first of these that starts: one of version 13 does not on a driver for 12. Throws DeviceError.
void open(const std::vector<std::string>& candidates);
Library& library();

}  // namespace lt

// float32 products may use the tensor cores, which round their operands to 10 bits of mantissa
void set_tf32(bool allowed);
// The algorithms that were measured to be best are kept in this file: a later run on such a GPU with this version of
// cuBLASLt takes the same ones, and so gives the same bits. "" keeps none.
void keep_algorithms(const std::string& file);

}  // namespace gpt
