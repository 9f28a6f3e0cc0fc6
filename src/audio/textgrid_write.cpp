#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "otoscope/audio/textgrid.h"
#include "otoscope/core/text.h"

namespace otoscope::audio {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out += '"';
}

/// The kind that a tier's name says: without the speaker before and the layer's number behind it.
std::optional<LabelKind> kind_of(std::string name) {
  if (const size_t dash = name.rfind(" - "); dash != name.npos) name.erase(0, dash + 3);
  const size_t last = name.find_last_not_of("0123456789");
  if (last != name.npos && last + 1 < name.size() && name[last] == ' ') name.resize(last);
  name = trimmed(name);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (int k = 0; k < kLabelKinds; ++k) {
    const auto kind = static_cast<LabelKind>(k);
    const std::string own(label_kind_name(kind));
    if (name == own || name == own + "s") return kind;
  }
  if (name == "phonemes" || name == "segments" || name == "mau") return LabelKind::phone;
  if (name == "pos") return LabelKind::part_of_speech;
  return std::nullopt;
}

/// Labels one after another, without gaps: what overlaps goes onto the next layer.
std::vector<Tier> layers_of(const Track& track, double end) {
  std::vector<Tier> layers;
  // Neighbours may cross by the rounding of their times (check_labels): they stay on one layer.
  const double crossing = many_at_once(track.kind) ? 1e-9 : 1.6e-3;
  for (const Label& label : track.labels) {
    if (!(label.end > label.start)) continue;
    auto layer = std::find_if(layers.begin(), layers.end(), [&](const Tier& one) {
      return one.entries.back().end <= label.start + crossing;
    });
    if (layer == layers.end()) {
      layers.emplace_back();
      layer = layers.end() - 1;
      layer->end = end;
    }
    const double before = layer->entries.empty() ? 0 : layer->entries.back().end;
    if (label.end <= before) continue;
    if (label.start > before) layer->entries.push_back({before, label.start, ""});
    layer->entries.push_back({std::max(label.start, before), label.end, label.value});
  }
  if (layers.empty()) layers.push_back({"", 0, end, false, {}});
  for (Tier& layer : layers) {
    const double last = layer.entries.empty() ? 0 : layer.entries.back().end;
    if (last < end) layer.entries.push_back({last, end, ""});
  }
  return layers;
}

}  // namespace

std::string textgrid_text(const TextGrid& grid, TextGridForm form) {
  std::string out;
  const bool names = form == TextGridForm::longer;
  // A line of the long form, or its value alone.
  const auto line = [&](int depth, std::string_view name, const std::string& value) {
    out += names ? fmt::format("{:{}}{} = {} \n", "", depth * 4, name, value) : value + "\n";
  };
  const auto number = [](double seconds) {  // microseconds, without needless zeros
    std::string text = fmt::format("{:.6f}", seconds);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  const auto heading = [&](int depth, std::string_view name, size_t i) {
    if (names) out += fmt::format("{:{}}{} [{}]:\n", "", depth * 4, name, i + 1);
  };
  out += "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n";
  line(0, "xmin", number(grid.start));
  line(0, "xmax", number(grid.end));
  out += names ? "tiers? <exists> \n" : "<exists>\n";
  line(0, "size", std::to_string(grid.tiers.size()));
  if (names) out += "item []: \n";
  for (size_t i = 0; i < grid.tiers.size(); ++i) {
    const Tier& tier = grid.tiers[i];
    heading(1, "item", i);
    line(2, "class", tier.points ? "\"TextTier\"" : "\"IntervalTier\"");
    line(2, "name", in_quotes(tier.name));
    line(2, "xmin", number(tier.start));
    line(2, "xmax", number(tier.end));
    const char* const entries = tier.points ? "points" : "intervals";
    line(2, fmt::format("{}: size", entries), std::to_string(tier.entries.size()));
    for (size_t k = 0; k < tier.entries.size(); ++k) {
      const Label& entry = tier.entries[k];
      heading(2, entries, k);
      line(3, tier.points ? "number" : "xmin", number(entry.start));
      if (!tier.points) line(3, "xmax", number(entry.end));
      line(3, tier.points ? "mark" : "text", in_quotes(entry.value));
    }
  }
  return out;
}

ClipLabels labels_of(const TextGrid& grid, std::string id, std::vector<std::string>* passed_over) {
  ClipLabels clip;
  clip.id = std::move(id);
  clip.duration_s = grid.end;
  for (const Tier& tier : grid.tiers) {
    const auto kind = tier.points ? std::nullopt : kind_of(tier.name);
    if (!kind) {
      if (passed_over != nullptr) passed_over->push_back(tier.name);
      continue;
    }
    Track track;
    track.kind = *kind;
    track.source = "textgrid";
    track.known_from = tier.start;
    track.known_to = tier.end;
    for (const Label& entry : tier.entries)
      if (!trimmed(entry.value).empty() && entry.end > entry.start)
        track.labels.push_back({entry.start, entry.end, trimmed(entry.value)});
    Track* const same = [&]() -> Track* {
      for (Track& other : clip.tracks)
        if (other.kind == *kind && many_at_once(*kind)) return &other;
      return nullptr;
    }();
    if (same == nullptr) {
      clip.tracks.push_back(std::move(track));
      continue;
    }
    same->labels.insert(same->labels.end(), track.labels.begin(), track.labels.end());
    std::stable_sort(same->labels.begin(), same->labels.end(),
                     [](const Label& a, const Label& b) { return a.start < b.start; });
  }
  return clip;
}

TextGrid textgrid_of(const ClipLabels& clip) {
  TextGrid grid;
  grid.end = clip.duration_s;
  std::vector<int> layers_so_far(kLabelKinds, 0);
  for (const Track& track : clip.tracks)
    for (Tier& tier : layers_of(track, clip.duration_s)) {
      const int number = ++layers_so_far[static_cast<size_t>(track.kind)];
      tier.name = label_kind_name(track.kind);
      if (number > 1) tier.name += fmt::format(" {}", number);
      grid.tiers.push_back(std::move(tier));
    }
  return grid;
}

}  // namespace otoscope::audio
