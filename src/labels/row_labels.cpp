#include "otoscope/labels/row_labels.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::labels {
namespace {

/// Rows of an item whose time lies in [start, end); frames of an item ascend.
struct Frames {
  const store::Store& store;
  const store::Item& item;

  double seconds(int64_t row) const { return audio::seconds_of({store.origin(row).frame}); }
  int64_t first_at_or_after(double seconds_wanted) const {
    int64_t low = item.first_row, high = item.first_row + item.n_rows;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (seconds(middle) < seconds_wanted - 1e-9)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

}  // namespace

RowLabels label_rows(const store::Store& store, std::span<const audio::ClipLabels> clips) {
  std::unordered_map<std::string_view, const audio::ClipLabels*> by_id;
  for (const auto& clip : clips) by_id.emplace(clip.id, &clip);

  RowLabels out;
  std::map<std::pair<audio::LabelKind, std::string>, int32_t> number;
  for (const auto& item : store.items()) {
    const auto found = by_id.find(item.id);
    if (found == by_id.end()) continue;
    for (const auto& track : found->second->tracks)
      for (const auto& label : track.labels) number.emplace(std::pair(track.kind, label.value), 0);
  }
  for (auto& [key, id] : number) {
    id = static_cast<int32_t>(out.values.size());
    out.values.push_back({key.first, key.second});
  }

  const auto rows = static_cast<size_t>(store.rows());
  out.known.assign(rows, 0);
  std::vector<std::vector<int32_t>> held(rows);
  for (const auto& item : store.items()) {
    const auto found = by_id.find(item.id);
    ++(found == by_id.end() ? out.items_without : out.items_labelled);
    if (found == by_id.end()) continue;
    const Frames frames{store, item};
    for (const auto& track : found->second->tracks) {
      const int64_t from = frames.first_at_or_after(track.known_from),
                    to = frames.first_at_or_after(track.known_to);
      for (int64_t row = from; row < to; ++row)
        out.known[static_cast<size_t>(row)] |= 1U << static_cast<int>(track.kind);
      for (const auto& label : track.labels) {
        const int32_t id = number.at({track.kind, label.value});
        const int64_t end = std::min(to, frames.first_at_or_after(label.end));
        for (int64_t row = std::max(from, frames.first_at_or_after(label.start)); row < end; ++row)
          held[static_cast<size_t>(row)].push_back(id);
      }
    }
  }
  if (out.items_labelled == 0)
    throw UserError(
        store.path().string(),
        fmt::format("none of its {} items has labels (an item is called \"{}\", a "
                    "labelled clip \"{}\")",
                    store.items().size(), store.items().empty() ? "" : store.items().front().id,
                    clips.empty() ? "" : clips.front().id),
        "make labels of the manifest that the store was extracted from");

  out.indptr.assign(1, 0);
  for (auto& ids : held) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.indptr.push_back(static_cast<int64_t>(out.ids.size()));
  }
  return out;
}

}  // namespace otoscope::labels
