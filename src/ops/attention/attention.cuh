// What all attention kernels agree on: which keys a query sees. Mathematics and shapes: attention.ts.
#pragma once
#include "../../backends/cuda/device.cuh"

namespace attention {

constexpr float kLog2E = 1.4426950408889634f;
// The score of a hidden key. Finite: a row that has seen hidden keys only is forgotten (times 0) at its first visible
// one.
constexpr float kHidden = -1e30f;

DEVICE int lowest(int a, int b) { return a < b ? a : b; }
DEVICE int highest(int a, int b) { return a < b ? b : a; }

// Queries [q0, q1] and keys [k0, k1], both inclusive.
DEVICE bool all_hidden(int q0, int q1, int k0, int k1, int window) { return k0 > q1 || k1 <= q0 - window; }
DEVICE bool any_hidden(int q0, int q1, int k0, int k1, int window) { return k1 > q0 || k0 <= q1 - window; }
DEVICE bool visible(int query, int key, int window) { return key <= query && key > query - window; }

}  // namespace attention
