#include <fmt/core.h>

#include <numeric>

#include "model/decode/search.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"

namespace otoscope::model {
namespace {

/// One open answer. Each has random numbers of its own, so that what is sampled does not depend on
/// the batch.
struct Open {
  size_t window = 0, candidate = 0;
  Rng rng;
};

Tensor<float> repeat_rows(const Tensor<float>& x, std::span<const int32_t> source) {
  const int64_t width = x.shape()[1];
  auto out = Tensor<float>::uninitialized({static_cast<int64_t>(source.size()), width});
  for (size_t i = 0; i < source.size(); ++i)
    std::copy_n(x.data() + source[i] * width, width, out.data() + static_cast<int64_t>(i) * width);
  return out;
}

}  // namespace

std::vector<std::vector<Candidate>> sample(Batch& batch, Tensor<float> logits,
                                           const Search& search) {
  const double temperature = search.options.temperature;
  const auto windows = static_cast<size_t>(logits.shape()[0]);
  const auto group = static_cast<size_t>(temperature > 0 ? search.options.best_of : 1);
  std::vector<std::vector<Candidate>> answers(windows, std::vector<Candidate>(group));
  std::vector<Open> open;
  std::vector<int32_t> source, beams;
  for (size_t w = 0; w < windows; ++w)
    for (size_t g = 0; g < group; ++g) {
      open.push_back({w, g,
                      Rng(search.options.seed,
                          fmt::format("decode/{}/{}/{:.3f}", search.items[w], g, temperature))});
      source.push_back(static_cast<int32_t>(w));
      beams.push_back(static_cast<int32_t>(g));
    }
  if (group > 1) {
    batch.reorder(source, beams);
    logits = repeat_rows(logits, source);
  }

  std::vector<Choice> choices(open.size());
  for (int step = 0; step < search.limit; ++step) {
    parallel_ranges(static_cast<int64_t>(open.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        Open& one = open[static_cast<size_t>(row)];
        const std::span<float> values = logits.view().sub(row).span();
        search.rules.apply(values, answers[one.window][one.candidate].tokens);
        choices[static_cast<size_t>(row)] = temperature > 0
                                                ? choose_at(values, temperature, one.rng.uniform())
                                                : choose_best(values);
      }
    });
    std::vector<int32_t> kept, kept_beams;
    std::vector<int64_t> next;
    std::vector<Open> still_open;
    for (size_t row = 0; row < open.size(); ++row) {
      Candidate& answer = answers[open[row].window][open[row].candidate];
      answer.sum_logprob += choices[row].logprob;
      if (search.options.margins) answer.margins.push_back(choices[row].margin);
      if (choices[row].token == search.eot) continue;
      answer.tokens.push_back(choices[row].token);
      kept.push_back(static_cast<int32_t>(row));
      if (group > 1) kept_beams.push_back(static_cast<int32_t>(open[row].candidate));
      next.push_back(choices[row].token);
      still_open.push_back(open[row]);
    }
    if (kept.empty() || step + 1 == search.limit) break;
    if (kept.size() < open.size()) batch.reorder(kept, kept_beams);
    open = std::move(still_open);
    choices.resize(open.size());
    logits = batch.feed({next.data(), {static_cast<int64_t>(next.size()), 1}}, step + 1);
  }
  return answers;
}

}  // namespace otoscope::model
