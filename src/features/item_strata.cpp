#include <algorithm>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/features/null.h"

namespace otoscope::features {

bool exchanged_within_language(audio::LabelKind kind) { return kind != audio::LabelKind::language; }

ItemStrata::ItemStrata(const LabelledRows& rows, Side side, bool within_language, int block) {
  std::map<std::string, std::vector<int32_t>> by_language;
  const auto items = rows.items();
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].n_rows == 0 || rows.item_side(static_cast<int32_t>(i)) != side) continue;
    by_language[within_language ? items[i].language : ""].push_back(static_cast<int32_t>(i));
  }
  for (auto& [language, members] : by_language) {
    std::stable_sort(members.begin(), members.end(), [&](int32_t a, int32_t b) {
      return items[static_cast<size_t>(a)].n_rows < items[static_cast<size_t>(b)].n_rows;
    });
    // As many groups of about equal size as `block` goes into the members.
    const auto n = static_cast<int64_t>(members.size());
    const int64_t groups = std::max<int64_t>(1, n / block);
    for (int64_t g = 0; g < groups; ++g)
      groups_.emplace_back(members.begin() + g * n / groups,
                           members.begin() + (g + 1) * n / groups);
  }
}

std::vector<int32_t> ItemStrata::exchange(const LabelledRows& rows, Rng& rng) const {
  std::vector<int32_t> source(static_cast<size_t>(rows.rows()), -1);
  for (const auto& group : groups_) {
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(group.size()));
    for (size_t i = 0; i < group.size(); ++i) {
      const store::Item& to = rows.items()[static_cast<size_t>(group[i])];
      const store::Item& from =
          rows.items()[static_cast<size_t>(group[static_cast<size_t>(order[i])])];
      for (int64_t t = 0; t < to.n_rows; ++t)
        source[static_cast<size_t>(to.first_row + t)] =
            static_cast<int32_t>(from.first_row + t * from.n_rows / to.n_rows);
    }
  }
  return source;
}

labels::RowLabels shuffled_labels(std::span<const store::Item> items,
                                  const labels::RowLabels& labels, uint64_t seed) {
  const LabelledRows rows(items, labels);
  const int block = NullOptions{}.block;
  std::vector<int32_t> within(static_cast<size_t>(rows.rows()), -1), between = within;
  Rng rng(seed, "shuffled labels");
  for (const Side side : {Side::choose, Side::test}) {
    for (const bool same_language : {true, false}) {
      const auto source = ItemStrata(rows, side, same_language, block).exchange(rows, rng);
      auto& all = same_language ? within : between;
      for (size_t r = 0; r < source.size(); ++r)
        if (source[r] >= 0) all[r] = source[r];
    }
  }
  labels::RowLabels out;
  out.values = labels.values;
  out.items_labelled = labels.items_labelled, out.items_without = labels.items_without;
  out.known.assign(labels.known.size(), 0);
  out.indptr.push_back(0);
  const uint32_t language = 1U << static_cast<int>(audio::LabelKind::language);
  for (size_t r = 0; r < out.known.size(); ++r) {
    if (within[r] >= 0) {
      const auto a = static_cast<size_t>(within[r]), b = static_cast<size_t>(between[r]);
      out.known[r] = (labels.known[a] & ~language) | (labels.known[b] & language);
      for (const auto& [row, wanted] : {std::pair(a, false), {b, true}})
        for (int64_t e = labels.indptr[row]; e < labels.indptr[row + 1]; ++e) {
          const int32_t id = labels.ids[static_cast<size_t>(e)];
          const bool is_language =
              labels.values[static_cast<size_t>(id)].kind == audio::LabelKind::language;
          if (is_language == wanted) out.ids.push_back(id);
        }
      std::sort(out.ids.begin() + out.indptr.back(), out.ids.end());
    }
    out.indptr.push_back(static_cast<int64_t>(out.ids.size()));
  }
  return out;
}

}  // namespace otoscope::features
