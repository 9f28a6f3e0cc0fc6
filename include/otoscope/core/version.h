#pragma once

namespace otoscope {

/// Of the program and of the library; CMakeLists.txt states the same, and a test compares them.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace otoscope
