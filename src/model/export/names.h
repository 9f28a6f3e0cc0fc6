#pragma once
/// Our tensor names (openai-whisper's) in the other dialects (formats.md §1.1).

#include <string>

namespace otoscope::model {

/// Hugging Face's name, with the prefix of the file ("model." or none).
std::string hugging_face_name(std::string name, const std::string& prefix);

}  // namespace otoscope::model
