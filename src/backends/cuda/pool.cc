// The allocator of device memory. See pool.h.
#include "pool.h"

#include <algorithm>
#include <iterator>

namespace gpt {

namespace {

constexpr int64_t kGranule = 512;
constexpr int64_t kSegment = int64_t{256} << 20;  // what is asked of the driver at least, where there is so much
constexpr int64_t kDriverGranule = 2 << 20;

int64_t round_up(int64_t bytes, int64_t to) { return (bytes + to - 1) / to * to; }

std::string megabytes(int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

void Pool::configure(bool cached, bool poison, CUstream stream) {
  cached_ = cached;
  poison_ = poison;
  stream_ = stream;
}

void Pool::fill(CUdeviceptr address, int64_t bytes) const {
  // an error is that of earlier work, which whoever waits is told; release() is called by destructors
  if (poison_) driver().MemsetD8Async(address, 0xff, static_cast<size_t>(bytes), stream_);
}

bool Pool::grow(int64_t bytes) {
  const int64_t exact = round_up(bytes, kDriverGranule);
  for (int64_t size : {cached_ ? std::max(exact, kSegment) : bytes, cached_ ? exact : bytes}) {
    CUdeviceptr segment = 0;
    const CUresult result = driver().MemAlloc(&segment, static_cast<size_t>(size));
    if (result == kOutOfMemory) continue;
    check(result, "allocating device memory");
    reserved_ += size;
    segments_[segment] = size;
    ranges_[segment] = {size, segment, true};
    free_.insert({size, segment});
    return true;
  }
  return false;
}

CUdeviceptr Pool::allocate(int64_t bytes) {
  const int64_t size = round_up(std::max<int64_t>(bytes, 1), cached_ ? kGranule : 1);
  auto found = free_.lower_bound({size, 0});
  if (found == free_.end()) {
    if (!grow(size)) {
      trim();
      if (!grow(size)) {
        size_t free_bytes = 0, total = 0;
        driver().MemGetInfo(&free_bytes, &total);
        throw DeviceError("out of device memory: " + megabytes(size) + " more are needed, " + megabytes(used_) +
                              " are in use and " + megabytes(static_cast<int64_t>(free_bytes)) + " of " +
                              megabytes(static_cast<int64_t>(total)) + " free",
                          "use a smaller --train.micro_batch, --model.n_ctx or model, or --train.recompute true", true);
      }
    }
    found = free_.lower_bound({size, 0});
  }
  const CUdeviceptr address = found->second;
  Range& range = ranges_.at(address);
  free_.erase(found);
  range.free = false;
  if (range.bytes - size >= kGranule && cached_) {
    const CUdeviceptr rest = address + static_cast<CUdeviceptr>(size);
    ranges_[rest] = {range.bytes - size, range.segment, true};
    free_.insert({range.bytes - size, rest});
    range.bytes = size;
  }
  live_[address] = range.bytes;
  used_ += range.bytes;
  peak_ = std::max(peak_, used_);
  fill(address, range.bytes);
  return address;
}

void Pool::release(CUdeviceptr address) {
  const auto owner = live_.find(address);
  if (owner == live_.end()) throw std::logic_error("internal: device memory was released twice");
  used_ -= owner->second;
  live_.erase(owner);
  auto at = ranges_.find(address);
  fill(address, at->second.bytes);
  at->second.free = true;
  const auto next = std::next(at);
  if (next != ranges_.end() && next->second.free && next->second.segment == at->second.segment) {
    free_.erase({next->second.bytes, next->first});
    at->second.bytes += next->second.bytes;
    ranges_.erase(next);
  }
  if (at != ranges_.begin()) {
    const auto before = std::prev(at);
    if (before->second.free && before->second.segment == at->second.segment) {
      free_.erase({before->second.bytes, before->first});
      before->second.bytes += at->second.bytes;
      ranges_.erase(at);
      at = before;
    }
  }
  free_.insert({at->second.bytes, at->first});
  if (!cached_) trim();
}

void Pool::trim() {
  for (auto it = segments_.begin(); it != segments_.end();) {
    const auto range = ranges_.find(it->first);
    if (range == ranges_.end() || !range->second.free || range->second.bytes != it->second) {
      ++it;
      continue;
    }
    free_.erase({it->second, it->first});
    ranges_.erase(range);
    reserved_ -= it->second;
    driver().MemFree(it->first);  // waits for the GPU
    it = segments_.erase(it);
  }
}

}  // namespace gpt
