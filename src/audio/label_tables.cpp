#include "otoscope/audio/label_tables.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "audio/text_encoding.h"
#include "otoscope/core/errors.h"

namespace otoscope::audio {
namespace {

constexpr std::string_view kSpace = " \t\r\f\v";

/// Lines as fields between white space, with their number for errors. Empty lines and `;;` comments
/// are passed over.
class Table {
 public:
  Table(std::string_view bytes, std::string_view where)
      : text_(utf8_of(bytes, where)), rest_(text_), where_(where) {}

  bool next() {
    while (!rest_.empty()) {
      const size_t end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_ = end == rest_.npos ? std::string_view() : rest_.substr(end + 1);
      ++number_;
      fields.clear();
      for (size_t at = 0; (at = line.find_first_not_of(kSpace, at)) != line.npos;) {
        const size_t stop = std::min(line.find_first_of(kSpace, at), line.size());
        fields.push_back(line.substr(at, stop - at));
        at = stop;
      }
      if (!fields.empty() && !fields[0].starts_with(";;")) return true;
    }
    return false;
  }

  [[noreturn]] void refuse(const std::string& problem, const char* hint = "") const {
    throw UserError(fmt::format("{}:{}", where_, number_), problem, hint);
  }
  double number(size_t field, const char* what) const {
    const std::string_view text = fields[field];
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || rest != text.data() + text.size() || !std::isfinite(value) ||
        value < 0)
      refuse(fmt::format("expected {} of at least 0 in field {}, got \"{}\"", what, field + 1,
                         text.substr(0, 40)));
    return value;
  }

  std::vector<std::string_view> fields;

 private:
  std::string text_;
  std::string_view rest_, where_;
  int64_t number_ = 0;
};

/// Clips and their tracks in the order of appearance.
class Gathered {
 public:
  Track& track(std::string_view file, std::string_view channel, LabelKind kind,
               const char* source) {
    const auto [clip, new_clip] = clip_of_.emplace(std::string(file), clips.size());
    if (new_clip) {
      clips.emplace_back();
      clips.back().id = file;
    }
    auto& tracks = clips[clip->second].tracks;
    const auto [found, fresh] =
        track_of_.emplace(std::pair(clip->second, std::string(channel)), tracks.size());
    if (fresh) {
      tracks.emplace_back();
      tracks.back().kind = kind;
      tracks.back().source = source;
    }
    return tracks[found->second];
  }

  /// The formats do not promise an order, and say nothing of a clip's length.
  void finish() {
    for (ClipLabels& clip : clips) {
      for (Track& track : clip.tracks) {
        std::stable_sort(track.labels.begin(), track.labels.end(),
                         [](const Label& a, const Label& b) { return a.start < b.start; });
        for (const Label& label : track.labels)
          clip.duration_s = std::max(clip.duration_s, label.end);
      }
      for (Track& track : clip.tracks) track.known_to = clip.duration_s;
    }
  }

  std::vector<ClipLabels> clips;

 private:
  std::map<std::string, size_t> clip_of_;
  std::map<std::pair<size_t, std::string>, size_t> track_of_;
};

/// Each speaker's turns apart from those of others at the same time: the first track that is free.
std::vector<Track> without_overlap(const Track& track) {
  std::vector<Track> tracks;
  for (const Label& label : track.labels) {
    auto free = std::find_if(tracks.begin(), tracks.end(), [&](const Track& one) {
      return one.labels.back().end <= label.start + 1e-9;
    });
    if (free == tracks.end()) {
      tracks.push_back(track);
      free = tracks.end() - 1;
      free->labels.clear();
    }
    free->labels.push_back(label);
  }
  return tracks;
}

std::string joined(std::string_view value, std::string_view what, bool mend) {
  std::string out(value);
  for (char& c : out)
    if (c == '\n' || kSpace.find(c) != kSpace.npos) {
      if (!mend)
        throw UserError(std::string(what),
                        fmt::format("expected no white space, got \"{}\"", value),
                        "a table's fields are separated by it; rename the clip");
      c = '_';
    }
  return out;
}

}  // namespace

std::vector<ClipLabels> parse_ctm(std::string_view bytes, std::string_view where, LabelKind kind) {
  Table table(bytes, where);
  Gathered gathered;
  std::map<std::pair<std::string, std::string>, std::pair<double, int64_t>> sums;
  while (table.next()) {
    const auto& fields = table.fields;
    if (fields.size() < 5 || fields.size() > 8)
      table.refuse(
          fmt::format("expected file, channel, start, duration, word and perhaps a "
                      "confidence, got {} fields",
                      fields.size()));
    if (fields[4].starts_with("<ALT"))
      table.refuse("alternatives (<ALT…>) are not read", "keep one of them");
    const double start = table.number(2, "seconds"), duration = table.number(3, "seconds");
    Track& track = gathered.track(fields[0], fields[1], kind, "ctm");
    track.labels.push_back({start, start + duration, std::string(fields[4])});
    if (fields.size() < 6 || fields[5] == "<NA>" || fields[5] == "NA") continue;
    auto& sum = sums[{std::string(fields[0]), std::string(fields[1])}];
    sum.first += std::min(1.0, table.number(5, "a confidence"));
    ++sum.second;
    track.quality = sum.first / static_cast<double>(sum.second);
  }
  gathered.finish();
  return std::move(gathered.clips);
}

std::vector<ClipLabels> parse_rttm(std::string_view bytes, std::string_view where) {
  Table table(bytes, where);
  Gathered gathered;
  while (table.next()) {
    const auto& fields = table.fields;
    if (fields[0] != "SPEAKER") {
      static constexpr std::string_view others[] = {
          "SEGMENT",    "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX",
          "NON-SPEECH", "FILLER",  "EDIT",           "IP",     "SU",
          "A/P",        "CB",      "SPKR-INFO"};
      if (std::find(std::begin(others), std::end(others), fields[0]) == std::end(others))
        table.refuse(fmt::format("expected SPEAKER, got \"{}\"", fields[0].substr(0, 40)));
      continue;
    }
    if (fields.size() < 9 || fields.size() > 10)
      table.refuse(fmt::format("expected 10 fields (or 9), got {}", fields.size()));
    const double start = table.number(3, "seconds"), duration = table.number(4, "seconds");
    gathered.track(fields[1], fields[2], LabelKind::speaker, "rttm")
        .labels.push_back({start, start + duration, std::string(fields[7])});
  }
  gathered.finish();
  for (ClipLabels& clip : gathered.clips) {
    std::vector<Track> apart;
    for (const Track& track : clip.tracks)
      for (Track& one : without_overlap(track)) apart.push_back(std::move(one));
    clip.tracks = std::move(apart);
  }
  return std::move(gathered.clips);
}

std::string ctm_text(const std::vector<ClipLabels>& clips, LabelKind kind) {
  std::string out;
  for (const ClipLabels& clip : clips) {
    if (clip.id.starts_with(";;"))
      throw UserError("id", fmt::format("expected no id that begins with ;;, got \"{}\"", clip.id),
                      "that is a comment in a CTM; rename the clip");
    int channel = 0;
    for (const Track& track : clip.tracks) {
      if (track.kind != kind) continue;
      ++channel;
      for (const Label& label : track.labels)
        out += fmt::format("{} {} {:.6f} {:.6f} {} {:.3f}\n", joined(clip.id, "id", false), channel,
                           label.start, label.end - label.start, joined(label.value, "", true),
                           track.quality);
    }
  }
  return out;
}

std::string rttm_text(const std::vector<ClipLabels>& clips, LabelKind kind) {
  std::string out;
  for (const ClipLabels& clip : clips)
    for (const Track& track : clip.tracks) {
      if (track.kind != kind) continue;
      for (const Label& label : track.labels)
        out += fmt::format("SPEAKER {} 1 {:.6f} {:.6f} <NA> <NA> {} <NA> <NA>\n",
                           joined(clip.id, "id", false), label.start, label.end - label.start,
                           joined(label.value, "", true));
    }
  return out;
}

}  // namespace otoscope::audio
