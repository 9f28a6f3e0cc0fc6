// Any bytes as a CTM and as an RTTM: refused, or what is written of them is read again.
#include <cstddef>
#include <cstdint>

#include "otoscope/audio/label_tables.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto count = [](const std::vector<audio::ClipLabels>& clips) {
    size_t labels = 0;
    for (const auto& clip : clips)
      for (const auto& track : clip.tracks) labels += track.labels.size();
    return labels;
  };
  try {
    const auto clips = audio::parse_ctm(bytes, "x");
    if (count(audio::parse_ctm(audio::ctm_text(clips), "again")) != count(clips)) __builtin_trap();
  } catch (const UserError& error) {
    if (error.where().starts_with("again")) __builtin_trap();
  }
  try {
    const auto clips = audio::parse_rttm(bytes, "x");
    if (count(audio::parse_rttm(audio::rttm_text(clips), "again")) != count(clips))
      __builtin_trap();
  } catch (const UserError& error) {
    if (error.where().starts_with("again")) __builtin_trap();
  }
  return 0;
}
