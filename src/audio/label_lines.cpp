#include "otoscope/audio/label_lines.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::audio {
namespace {

using io::Json;
namespace fs = std::filesystem;

std::vector<Label> labels_of(const Json& list, const std::string& where, const char* key) {
  const auto refuse = [&](const Json& got) {
    throw UserError(where, fmt::format("expected [start, end, value] in {}, got {}", key,
                                       got.dump().substr(0, 60)));
  };
  if (!list.is_array()) refuse(list);
  std::vector<Label> labels;
  labels.reserve(list.size());
  for (const Json& one : list) {
    if (!one.is_array() || one.size() != 3 || !one[0].is_number() || !one[1].is_number() ||
        !one[2].is_string())
      refuse(one);
    labels.push_back({one[0].get<double>(), one[1].get<double>(), one[2].get<std::string>()});
  }
  return labels;
}

Track track_of(const Json& json, const ClipLabels& clip, const std::string& where) {
  Track track;
  track.kind = label_kind_named(where, io::string_at(json, "kind", where));
  if (json.contains("source")) track.source = io::string_at(json, "source", where);
  if (json.contains("quality")) track.quality = io::number_at(json, "quality", where);
  track.known_to = clip.duration_s;
  if (const auto known = json.find("known"); known != json.end()) {
    if (!known->is_array() || known->size() != 2 || !(*known)[0].is_number() ||
        !(*known)[1].is_number())
      throw UserError(where, "expected [from, to] at known, got " + known->dump().substr(0, 60));
    track.known_from = (*known)[0].get<double>();
    track.known_to = (*known)[1].get<double>();
  }
  track.labels = labels_of(io::member_at(json, "labels", where), where, "labels");
  return track;
}

/// What a manifest's own keys say.
void add_manifest_tracks(const Json& json, ClipLabels& clip, const std::string& where) {
  const auto add = [&](LabelKind kind, std::vector<Label> labels) {
    clip.tracks.push_back({kind, "manifest", 1, 0, clip.duration_s, std::move(labels)});
  };
  for (const auto& [key, kind] :
       {std::pair("phones_timed", LabelKind::phone), std::pair("words_timed", LabelKind::word)})
    if (const auto found = json.find(key); found != json.end() && !found->is_null())
      add(kind, labels_of(*found, where, key));
  for (const auto& [key, kind] :
       {std::pair("speaker", LabelKind::speaker), std::pair("gender", LabelKind::gender),
        std::pair("language", LabelKind::language), std::pair("sound", LabelKind::sound)}) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) continue;
    if (!found->is_string() && !found->is_number_integer())
      throw UserError(where, fmt::format("expected a text at {}, got {}", key, found->type_name()));
    const std::string value = found->is_string() ? found->get<std::string>() : found->dump();
    if (!value.empty()) add(kind, {{0, clip.duration_s, value}});
  }
}

ClipLabels clip_of(const Json& json, const std::string& where) {
  if (!json.is_object())
    throw UserError(where, std::string("expected an object, got ") + json.type_name());
  ClipLabels clip;
  if (json.contains("id")) {
    clip.id = io::string_at(json, "id", where);
  } else {
    const double offset = json.contains("offset") ? io::number_at(json, "offset", where) : 0;
    clip.id = default_clip_id(io::string_at(json, "audio_filepath", where), offset);
  }
  clip.duration_s = io::number_at(json, "duration", where);
  if (!(clip.duration_s >= 0) || clip.duration_s > 1e9)
    throw UserError(where, fmt::format("expected a duration in seconds, got {}", clip.duration_s));
  if (const auto tracks = json.find("tracks"); tracks != json.end()) {
    if (!tracks->is_array()) throw UserError(where, "expected a list at tracks");
    for (const Json& track : *tracks) clip.tracks.push_back(track_of(track, clip, where));
  }
  add_manifest_tracks(json, clip, where);
  check_labels(where, clip);
  return clip;
}

/// To a microsecond, as short as it can be said.
void append_time(std::string& out, double seconds) {
  std::string text = fmt::format("{:.6f}", seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  out += text == "-0" ? "0" : text;
}

}  // namespace

std::string default_clip_id(std::string_view named, double offset_s) {
  std::string id = fs::path(named).replace_extension().lexically_normal().string();
  if (offset_s > 0) id += fmt::format("@{:.3f}", offset_s);
  return id;
}

std::vector<ClipLabels> parse_label_lines(std::string_view bytes, std::string_view where) {
  std::vector<ClipLabels> clips;
  std::map<std::string, size_t> line_of_id;
  size_t number = 0;
  for (std::string_view rest = bytes; !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    ++number;
    if (trimmed(line).empty()) continue;
    const std::string place = fmt::format("{}:{}", where, number);
    ClipLabels clip = clip_of(io::parse_json(line, place), place);
    const auto [seen, fresh] = line_of_id.emplace(clip.id, number);
    if (!fresh)
      throw UserError(
          place, fmt::format("expected a new id, got {} as in line {}", clip.id, seen->second));
    clips.push_back(std::move(clip));
  }
  return clips;
}

std::string label_line(const ClipLabels& clip) {
  const auto text = [](const std::string& value) {
    return Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  std::string out = fmt::format(R"({{"id":{},"duration":)", text(clip.id));
  append_time(out, clip.duration_s);
  out += R"(,"tracks":[)";
  bool first_track = true;
  for (const Track& track : clip.tracks) {
    out += fmt::format(R"({}{{"kind":"{}","source":{},"quality":{:.4g},"known":[)",
                       first_track ? "" : ",", label_kind_name(track.kind), text(track.source),
                       track.quality);
    first_track = false;
    append_time(out, track.known_from);
    out += ',';
    append_time(out, track.known_to);
    out += R"(],"labels":[)";
    bool first_label = true;
    for (const Label& label : track.labels) {
      out += first_label ? "[" : ",[";
      first_label = false;
      append_time(out, label.start);
      out += ',';
      append_time(out, label.end);
      out += ',';
      out += text(label.value);
      out += ']';
    }
    out += "]}";
  }
  return out += "]}";
}

std::vector<ClipLabels> read_label_lines(const fs::path& path) {
  return parse_label_lines(io::read_file(path), path.string());
}

void write_label_lines(const fs::path& path, const std::vector<ClipLabels>& clips) {
  io::AtomicFile file(path);
  for (const ClipLabels& clip : clips) file.write(label_line(clip) + "\n");
  file.commit();
}

}  // namespace otoscope::audio
