#pragma once
#include <string>

namespace otoscope::labels {

/// What a child does with the library; answers are bytes for the pipe (labels/espeak_wire.h).
/// They run in a process of their own, and may crash.
std::string library_speak(const std::string& text, const std::string& voice, int rate, int pitch);
std::string library_list();
std::string library_version();

}  // namespace otoscope::labels
