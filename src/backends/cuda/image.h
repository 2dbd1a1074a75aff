// The compiled kernels for a GPU: which file is loaded, and what happens where none fits.
#pragma once
#include <string>
#include <vector>

#include "driver.h"

namespace gpt {

struct Image {
  CUmodule module;
  std::string what;  // "kernels.sm_90.cubin"
};

// Tries the machine code of this architecture, then the PTX (which the driver compiles), then the sources by NVRTC.
// Throws DeviceError with the reason of each when none can be loaded.
Image load_image(const std::string& folder, int compute_capability, const std::vector<std::string>& nvrtc);

}  // namespace gpt
