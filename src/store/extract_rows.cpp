#include "store/extract_rows.h"

#include <algorithm>
#include <chrono>

namespace otoscope::store {
namespace {

/// Sequences of windows [begin, end) side by side; what is shorter ends in its own last token,
/// which no earlier position sees.
Tensor<int64_t> side_by_side(const ExtractPlan& plan, int64_t begin, int64_t end,
                             std::vector<int32_t>& valid) {
  size_t longest = 0;
  for (int64_t w = begin; w < end; ++w)
    longest = std::max(longest, plan.forced_of(w).tokens.size());
  Tensor<int64_t> tokens({end - begin, static_cast<int64_t>(longest)});
  for (int64_t w = begin; w < end; ++w) {
    const std::vector<int64_t>& own = plan.forced_of(w).tokens;
    int64_t* row = tokens.view().row(w - begin);
    std::fill(std::copy(own.begin(), own.end(), row), row + longest, own.back());
    valid.push_back(static_cast<int32_t>(own.size()));
  }
  return tokens;
}

}  // namespace

model::Want RowHook::ask(const model::Site& site) {
  for (const Target& target : targets_)
    if (target.site == site && target.writer.rows_done() <= first_row) return model::Want::observe;
  return model::Want::none;
}

void RowHook::observe(const model::Site& site, const model::Rows& rows, View<const float> x) {
  for (Target& target : targets_) {
    if (!(target.site == site)) continue;
    for (int64_t b = 0; b < rows.B; ++b) {
      const int64_t window = rows.item[static_cast<size_t>(b)];
      if (plan_.of_tokens())
        write_tokens(target.writer, window, x.sub(b));
      else
        write_frames(target.writer, window, x.sub(b));
    }
  }
}

void RowHook::write_frames(Writer& writer, int64_t window, View<const float> x) {
  for (const audio::Placement& placement : plan_.windows[static_cast<size_t>(window)]) {
    origins_.clear();
    for (int64_t f = 0; f < placement.frames(); ++f)
      origins_.push_back(
          {static_cast<int32_t>(placement.clip), static_cast<int32_t>(placement.first_frame() + f),
           static_cast<int32_t>(window), static_cast<int16_t>(placement.position() + f)});
    writer.append(origins_,
                  x.slice(placement.position(), placement.position() + placement.frames()));
  }
}

void RowHook::write_tokens(Writer& writer, int64_t window, View<const float> x) {
  const auto item = static_cast<int32_t>(plan_.windows[static_cast<size_t>(window)].front().clip);
  const Forced& forced = plan_.forced_of(window);
  origins_.clear();
  for (int64_t i = forced.first; i < forced.first + forced.rows(); ++i)
    origins_.push_back({item, static_cast<int32_t>(i), static_cast<int32_t>(window),
                        static_cast<int16_t>(i),
                        static_cast<int32_t>(forced.tokens[static_cast<size_t>(i)])});
  writer.append(origins_, x.slice(forced.first, forced.first + forced.rows()));
}

double forward_windows(const model::Whisper& model, const ExtractPlan& plan, WindowAudio& source,
                       RowHook& hook, const model::Site& until, int64_t begin, int64_t end) {
  const Tensor<float> mel = source.log_mel(begin, end);
  std::vector<int64_t> item;
  std::vector<int32_t> valid;
  for (int64_t w = begin; w < end; ++w) {
    item.push_back(w);
    const audio::Placement& last = plan.windows[static_cast<size_t>(w)].back();
    valid.push_back(static_cast<int32_t>(last.position() + last.frames()));
  }
  model::Rows rows;
  rows.B = end - begin;
  rows.item = item;
  rows.valid = valid;
  model::Hook* const hooks[] = {&hook};
  const auto start = std::chrono::steady_clock::now();
  if (plan.of_tokens()) {
    const Tensor<float> heard = model.encode(mel.view(), rows);
    std::vector<int32_t> lengths;
    const Tensor<int64_t> tokens = side_by_side(plan, begin, end, lengths);
    rows.valid = lengths;
    model.decode_forced(heard, tokens, rows, hooks, until);
  } else {
    model.encode(mel.view(), rows, hooks, until);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace otoscope::store
