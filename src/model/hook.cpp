#include "otoscope/model/hook.h"

#include <algorithm>

namespace otoscope::model {

Want Recorder::ask(const Site& site) {
  return std::find(sites_.begin(), sites_.end(), site) != sites_.end() ? Want::observe : Want::none;
}

void Recorder::observe(const Site& site, const Rows&, View<const float> x) {
  for (auto& [known, values] : seen_)
    if (known == site) {
      values.push_back(Tensor<float>::copy_of(x));
      return;
    }
  seen_.emplace_back(site, std::vector<Tensor<float>>());
  seen_.back().second.push_back(Tensor<float>::copy_of(x));
}

const std::vector<Tensor<float>>& Recorder::all(const Site& site) const {
  for (const auto& [known, values] : seen_)
    if (known == site) return values;
  throw UserError("recorder", "expected a recorded value at " + site_name(site) +
                                  ", got none: no pass reached it");
}

const Tensor<float>& Recorder::last(const Site& site) const { return all(site).back(); }

}  // namespace otoscope::model
