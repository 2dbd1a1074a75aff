// Device memory for tensors: a caching allocator over large segments of the driver's.
//
// A training step asks for the same sizes each time: from the second step on every request is a hit, and the driver is
// not called. Everything runs on one stream, so a freed range may be handed out at once: what uses it next is launched
// later. Best fit; ranges are split, and merged with free neighbours.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>

#include "driver.h"

namespace gpt {

class Pool {
 public:
  // cached: false gives every tensor memory of its own from the driver (compute-sanitizer, tests).
  // poison: memory is NaN when it is handed out and when it is given back.
  void configure(bool cached, bool poison, CUstream stream);

  // At least `bytes`, aligned to 512; the content is undefined. Throws DeviceError when memory runs out.
  CUdeviceptr allocate(int64_t bytes);
  void release(CUdeviceptr address);
  // Gives idle segments back to the driver.
  void trim();

  int64_t used() const { return used_; }          // bytes of live allocations
  int64_t peak() const { return peak_; }          // the most that was live
  int64_t reserved() const { return reserved_; }  // bytes taken from the driver
  int64_t live() const { return static_cast<int64_t>(live_.size()); }
  void reset_peak() { peak_ = used_; }

 private:
  struct Range {
    int64_t bytes;
    CUdeviceptr segment;
    bool free;
  };

  bool grow(int64_t bytes);
  void fill(CUdeviceptr address, int64_t bytes) const;

  bool cached_ = true, poison_ = false;
  CUstream stream_ = nullptr;
  std::map<CUdeviceptr, Range> ranges_;                // all, by address
  std::set<std::pair<int64_t, CUdeviceptr>> free_;     // by size
  std::unordered_map<CUdeviceptr, int64_t> segments_;  // size of each
  std::unordered_map<CUdeviceptr, int64_t> live_;      // rounded size of each allocation
  int64_t used_ = 0, peak_ = 0, reserved_ = 0;
};

}  // namespace gpt
