#include "features/one_label.h"

#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/labels/row_labels.h"

namespace otoscope::features {

OneLabel one_label(const store::Store& store, const std::vector<audio::ClipLabels>& clips,
                   const std::string& kind_name, bool none) {
  const audio::LabelKind kind = audio::label_kind_named("--kind", kind_name);
  if (audio::many_at_once(kind))
    throw UserError("--kind", "expected a kind with one value at a time, got " + kind_name,
                    "phone, word, stress and syllable are such");
  const labels::RowLabels rows = labels::label_rows(store, clips);
  OneLabel out;
  std::map<int32_t, int32_t> number;
  for (size_t v = 0; v < rows.values.size(); ++v)
    if (rows.values[v].kind == kind) {
      number.emplace(static_cast<int32_t>(v), static_cast<int32_t>(out.values.size()));
      out.values.push_back(rows.values[v].value);
    }
  if (out.values.empty())
    throw UserError("--kind", "expected labels of kind " + kind_name + ", got none",
                    "the label file has other kinds");
  int32_t without = -1;
  if (none) {
    without = static_cast<int32_t>(out.values.size());
    out.values.emplace_back("none");
  }
  for (int64_t row = 0; row < store.rows(); ++row) {
    int32_t label = rows.is_known(row, kind) ? without : -1;
    for (int64_t e = rows.indptr[static_cast<size_t>(row)];
         e < rows.indptr[static_cast<size_t>(row) + 1]; ++e)
      if (const auto found = number.find(rows.ids[static_cast<size_t>(e)]); found != number.end())
        label = found->second;
    out.of_row.push_back(label);
  }
  return out;
}

}  // namespace otoscope::features
