// Any bytes as a TextGrid: refused, or written and read back as the same.
#include <cstddef>
#include <cstdint>

#include "otoscope/audio/textgrid.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  audio::ClipLabels clip;
  try {
    clip = audio::labels_of(audio::parse_textgrid(bytes, "x"), "x");
    audio::check_labels("x", clip);
  } catch (const UserError&) {
    return 0;
  }
  if (clip.duration_s > 1e6) return 0;  // times are written to a microsecond
  const auto text = audio::textgrid_text(audio::textgrid_of(clip), audio::TextGridForm::shorter);
  const auto again = audio::labels_of(audio::parse_textgrid(text, "again"), "x");
  if (again.tracks.size() > clip.tracks.size()) __builtin_trap();
  return 0;
}
