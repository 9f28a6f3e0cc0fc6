#include "store/corpora/clip_line.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"

namespace otoscope::store {

void write_manifest(const std::filesystem::path& path, std::vector<ClipLine> clips) {
  std::sort(clips.begin(), clips.end(),
            [](const ClipLine& a, const ClipLine& b) { return a.id < b.id; });
  const auto rounded = [](double seconds) { return std::round(seconds * 1e6) / 1e6; };
  std::string text;
  for (const ClipLine& clip : clips) {
    nlohmann::ordered_json line;
    line["audio_filepath"] = clip.path;
    if (clip.offset_s > 0) line["offset"] = rounded(clip.offset_s);
    line["duration"] = rounded(clip.duration_s);
    if (clip.text) line["text"] = *clip.text;
    for (const auto& [key, value] : {std::pair<const char*, const std::string&>{"id", clip.id},
                                     {"language", clip.language},
                                     {"speaker", clip.speaker},
                                     {"gender", clip.gender},
                                     {"prompt_id", clip.prompt_id},
                                     {"source", clip.source},
                                     {"split", clip.split},
                                     {"kind", clip.kind}})
      if (!value.empty()) line[key] = value;
    if (!clip.speech) line["speech"] = false;
    line["licence"] = clip.licence;
    text += line.dump() + "\n";
  }
  io::write_file(path, text);
}

}  // namespace otoscope::store
