#pragma once
/// One kind of label on a store's rows, as numbers.

#include <string>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// of_row: index into values; -1 where the kind is unknown, or known to have no value unless `none`
/// makes that a value of its own ("none").
struct OneLabel {
  std::vector<int32_t> of_row;
  std::vector<std::string> values;
};
/// UserError "[--kind] …" for kinds with several values at once, and where there are no labels.
OneLabel one_label(const store::Store& store, const std::vector<audio::ClipLabels>& clips,
                   const std::string& kind, bool none);

}  // namespace otoscope::features
