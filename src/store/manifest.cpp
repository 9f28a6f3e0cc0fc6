#include "otoscope/store/manifest.h"

#include <fmt/core.h>

#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "store/manifest_text.h"

namespace otoscope::store {
namespace {

using io::Json;
namespace fs = std::filesystem;

/// One line of the file: its object, and how to complain about it.
class Line {
 public:
  Line(Json json, std::string where) : json_(std::move(json)), where_(std::move(where)) {
    if (!json_.is_object()) refuse(std::string("expected an object, got ") + json_.type_name());
  }

  [[noreturn]] void refuse(const std::string& problem) const { throw UserError(where_, problem); }

  /// The first of these keys that is there; null counts as absent. Numbers are names too
  /// (LibriSpeech's speakers).
  std::string text(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      const auto found = json_.find(key);
      if (found == json_.end() || found->is_null()) continue;
      if (found->is_string()) return found->get<std::string>();
      if (found->is_number_integer()) return found->dump();
      refuse(std::string("expected a text at ") + key + ", got " + found->type_name());
    }
    return {};
  }
  double seconds(const char* key, double otherwise) const {
    const auto found = json_.find(key);
    if (found == json_.end() || found->is_null()) return otherwise;
    if (!found->is_number() || found->get<double>() < 0)
      refuse(std::string("expected seconds of at least 0 at ") + key + ", got " + found->dump());
    return found->get<double>();
  }
  bool flag(const char* key, bool otherwise) const {
    const auto found = json_.find(key);
    if (found == json_.end() || found->is_null()) return otherwise;
    if (!found->is_boolean())
      refuse(fmt::format("expected true or false at {}, got {}", key, found->dump()));
    return found->get<bool>();
  }
  bool has(const char* key) const {
    const auto found = json_.find(key);
    return found != json_.end() && !found->is_null();
  }

 private:
  Json json_;
  std::string where_;
};

std::string split_of(const Line& line) {
  std::string name = line.text({"split"});
  if (name.empty() || name == "train" || name == "dev" || name == "test") return name;
  if (name == "valid" || name == "val" || name == "validation") return "dev";
  // Corpora have several of a kind: "test-other", "train_clean_100", "dev.clean".
  for (const char* known : {"train", "dev", "test"})
    if (name.starts_with(known) &&
        std::string_view("-_.").find(name[std::strlen(known)]) != std::string_view::npos)
      return known;
  line.refuse(
      "expected train, dev or test at split, or a name that begins so (\"test-other\"), got " +
      name);
}

Clip clip_of(const Line& line, const fs::path& folder) {
  Clip clip;
  const std::string named = line.text({"audio_filepath"});
  if (named.empty()) line.refuse("expected the key audio_filepath, got none");
  if (named.back() == '|') line.refuse("expected a file, got a command (it ends in |)");
  clip.path = (folder / named).lexically_normal();
  clip.offset_s = line.seconds("offset", 0.0);
  clip.duration_s = line.seconds("duration", -1.0);
  if (line.has("text")) clip.text = line.text({"text"});
  clip.id = line.text({"id"});
  if (clip.id.empty()) clip.id = audio::default_clip_id(named, clip.offset_s);
  clip.language = line.text({"language", "lang", "source_lang"});
  clip.speaker = line.text({"speaker"});
  clip.gender = line.text({"gender"});
  clip.accent = line.text({"accent", "accents"});
  clip.age = line.text({"age"});
  clip.split = split_of(line);
  clip.prompt_id = line.text({"prompt_id"});
  clip.source = line.text({"source"});
  clip.kind = line.text({"kind"});
  clip.sound = line.text({"sound"});
  clip.licence = line.text({"licence", "license"});
  clip.noise_level = line.text({"noise_level"});
  clip.speech = line.flag("speech", true);
  return clip;
}

}  // namespace

Manifest read_manifest(const fs::path& path) { return parse_manifest(io::read_file(path), path); }

Manifest parse_manifest(std::string_view text, const fs::path& path) {
  Manifest manifest;
  manifest.path = path;
  manifest.sha256 = io::sha256(text);
  const fs::path folder = fs::absolute(path).parent_path();
  std::map<std::string, size_t> line_of_id;
  size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    ++number;
    if (trimmed(line).empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    const Line parsed(io::parse_json(line, where), where);
    Clip clip = clip_of(parsed, folder);
    const auto [seen, fresh] = line_of_id.emplace(clip.id, number);
    if (!fresh)
      parsed.refuse("expected a new id, got " + clip.id + " as in line " +
                    std::to_string(seen->second));
    manifest.clips.push_back(std::move(clip));
  }
  return manifest;
}

}  // namespace otoscope::store
