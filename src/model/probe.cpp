#include "model/probe.h"

#include <algorithm>
#include <numeric>

#include "otoscope/core/errors.h"

namespace otoscope::model {

HookTable::HookTable(const Dims& dims, Hooks hooks) {
  if (hooks.empty()) return;
  blocks_ = std::max(dims.n_audio_layer, dims.n_text_layer);
  slots_.resize(2 * static_cast<size_t>(blocks_ + 1) * static_cast<size_t>(kPoints));
  const std::vector<Site> sites = all_sites(dims);
  for (Hook* hook : hooks) {
    bool wanted_any = false;
    for (const Site& site : sites) {
      const Want want = hook->ask(site);
      if (want == Want::none) continue;
      wanted_any = true;
      Slot& slot = slots_[index(site.stack, site.point, site.block)];
      slot.want = static_cast<Want>(static_cast<uint8_t>(slot.want) | static_cast<uint8_t>(want));
      slot.hooks.emplace_back(hook, want);
    }
    if (!wanted_any)
      throw UserError("hook", "expected it to want at least one site of the model, got none",
                      "check its site names against `models show NAME`");
  }
}

void HookTable::fire(const Site& site, const Rows& rows, View<float> x) const {
  const Slot& slot = slots_[index(site.stack, site.point, site.block)];
  for (const auto& [hook, want] : slot.hooks)
    if (wants(want, Want::replace)) hook->replace(site, rows, x);
  for (const auto& [hook, want] : slot.hooks)
    if (wants(want, Want::observe)) hook->observe(site, rows, x);
}

FilledRows::FilledRows(const Rows& given, Pass pass, int64_t B, int64_t T, int64_t position,
                       int step)
    : rows_(given) {
  rows_.pass = pass;
  rows_.B = B;
  rows_.T = T;
  rows_.position = position;
  rows_.step = given.step >= 0 ? given.step : step;  // a prompt fed in parts is one step
  const auto n = static_cast<size_t>(B);
  if (given.item.empty()) {
    item_.resize(n);
    std::iota(item_.begin(), item_.end(), 0);
    rows_.item = item_;
  }
  if (given.valid.empty()) {
    valid_.assign(n, static_cast<int32_t>(position + T));
    rows_.valid = valid_;
  }
  OTO_ASSERT(rows_.item.size() == n && rows_.valid.size() == n);
  OTO_ASSERT(rows_.beam.empty() || rows_.beam.size() == n);
}

}  // namespace otoscope::model
