#include <algorithm>
#include <cmath>

#include "model/decode/search.h"
#include "otoscope/core/threads.h"

namespace otoscope::model {
namespace {

/// The beams of one window, and what has ended.
struct Window {
  std::vector<Candidate> beams{1};
  std::vector<Candidate> ended;
  bool done = false;
};

struct Continuation {
  size_t beam = 0;
  int64_t token = 0;
  double sum = 0;
};

/// Every beam by its best b + 1 tokens, the likeliest first; the order of beams breaks ties.
std::vector<Continuation> continuations(const Window& window,
                                        const std::vector<std::vector<Choice>>& choices,
                                        size_t first_row) {
  std::vector<Continuation> all;
  for (size_t b = 0; b < window.beams.size(); ++b)
    for (const Choice& choice : choices[first_row + b])
      all.push_back({b, choice.token, window.beams[b].sum_logprob + choice.logprob});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.sum > b.sum; });
  return all;
}

}  // namespace

std::vector<std::vector<Candidate>> beam_search(Batch& batch, Tensor<float> logits,
                                                const Search& search) {
  const auto width = static_cast<size_t>(search.options.beam_size);
  const auto wanted = static_cast<size_t>(
      std::max(1L, std::lrint(search.options.beam_size * search.options.patience)));
  std::vector<Window> windows(static_cast<size_t>(logits.shape()[0]));

  for (int step = 0; step < search.limit; ++step) {
    std::vector<const Candidate*> rows;
    for (const Window& window : windows)
      if (!window.done)
        for (const Candidate& beam : window.beams) rows.push_back(&beam);
    std::vector<std::vector<Choice>> choices(rows.size());
    parallel_ranges(static_cast<int64_t>(rows.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const std::span<float> values = logits.view().sub(row).span();
        search.rules.apply(values, rows[static_cast<size_t>(row)]->tokens);
        choices[static_cast<size_t>(row)] = choose_top(values, search.options.beam_size + 1);
      }
    });

    std::vector<int32_t> source, beams;
    std::vector<int64_t> next;
    size_t first_row = 0;
    for (Window& window : windows) {
      if (window.done) continue;
      const size_t had = window.beams.size();
      std::vector<Candidate> kept;
      std::vector<int32_t> parents;
      for (const Continuation& one : continuations(window, choices, first_row)) {
        Candidate longer = window.beams[one.beam];
        longer.sum_logprob = one.sum;
        if (one.token == search.eot) {
          if (window.ended.size() < wanted) window.ended.push_back(std::move(longer));
          continue;
        }
        longer.tokens.push_back(one.token);
        kept.push_back(std::move(longer));
        parents.push_back(static_cast<int32_t>(first_row + one.beam));
        if (kept.size() == width) break;
      }
      window.beams = std::move(kept);
      window.done = window.ended.size() >= wanted;
      first_row += had;
      if (window.done) continue;
      for (size_t b = 0; b < window.beams.size(); ++b) {
        source.push_back(parents[b]);
        beams.push_back(static_cast<int32_t>(b));
        next.push_back(window.beams[b].tokens.back());
      }
    }
    if (source.empty() || step + 1 == search.limit) break;
    batch.reorder(source, beams);
    logits = batch.feed({next.data(), {static_cast<int64_t>(next.size()), 1}}, step + 1);
  }

  std::vector<std::vector<Candidate>> answers;
  for (Window& window : windows) {
    // Too few have ended: the best open ones count as they are.
    std::stable_sort(window.beams.begin(), window.beams.end(),
                     [](const auto& a, const auto& b) { return a.sum_logprob > b.sum_logprob; });
    for (Candidate& beam : window.beams) {
      if (window.ended.size() >= width) break;
      window.ended.push_back(std::move(beam));
    }
    answers.push_back(std::move(window.ended));
  }
  return answers;
}

}  // namespace otoscope::model
