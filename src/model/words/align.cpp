#include <algorithm>
#include <cmath>

#include "model/decode/logit_rules.h"
#include "model/words/alignment.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

/// Keeps the scores of the alignment heads, cut to the frames that carry audio.
class ScoreKeeper : public Hook {
 public:
  ScoreKeeper(const std::vector<std::pair<int, int>>& heads, int64_t tokens, int64_t frames)
      : heads_(heads), scores(Shape{static_cast<int64_t>(heads.size()), tokens, frames}) {}

  Want ask(const Site& site) override {
    if (site.stack != Stack::decoder || site.point != Point::cross_attn_scores) return Want::none;
    for (const auto& [layer, head] : heads_)
      if (layer == site.block) return Want::observe;
    return Want::none;
  }
  void observe(const Site& site, const Rows&, View<const float> x) override {
    const int64_t tokens = scores.shape()[1], frames = scores.shape()[2], S = x.shape[3];
    for (size_t i = 0; i < heads_.size(); ++i) {
      if (heads_[i].first != site.block) continue;
      const View<const float> head = x.sub(0).sub(heads_[i].second);
      for (int64_t t = 0; t < tokens; ++t)
        std::copy_n(head.data + t * S, frames,
                    scores.data() + (static_cast<int64_t>(i) * tokens + t) * frames);
    }
  }

 private:
  const std::vector<std::pair<int, int>>& heads_;

 public:
  Tensor<float> scores;
};

/// Probability of each text token among the text tokens.
std::vector<double> token_probabilities(View<const float> logits, size_t first_row,
                                        std::span<const int64_t> tokens, int64_t eot) {
  std::vector<double> probabilities;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::span<const float> row{logits.row(static_cast<int64_t>(first_row + i)),
                                     static_cast<size_t>(eot)};
    probabilities.push_back(
        std::exp(static_cast<double>(row[static_cast<size_t>(tokens[i])]) - log_sum_exp(row)));
  }
  return probabilities;
}

/// For each token (and the eot behind them), the frame at which the path enters its row.
std::vector<double> token_starts(const Tensor<float>& map, size_t first_row, size_t rows) {
  const int64_t frames = map.shape()[1];
  Tensor<float> cost(Shape{static_cast<int64_t>(rows), frames});
  for (int64_t i = 0; i < cost.size(); ++i)
    cost[i] = -map[static_cast<int64_t>(first_row) * frames + i];
  std::vector<double> starts;
  int last = -1;
  for (const auto& [row, column] : warp(cost)) {
    if (row != last) starts.push_back(audio::seconds_of(audio::Frame{column}));
    last = row;
  }
  return starts;
}

}  // namespace

std::vector<AlignedWord> align_words(const Whisper& model, const Tokenizer& tokenizer,
                                     View<const float> audio, std::span<const int64_t> text_tokens,
                                     const AlignOptions& options, Hooks hooks) {
  if (text_tokens.empty()) return {};
  const int64_t eot = tokenizer.special().eot;
  std::vector<int64_t> tokens = tokenizer.sot_sequence(options.language, options.task, true);
  const size_t first = tokens.size() - 1;  // the row that predicts the first text token
  tokens.insert(tokens.end(), text_tokens.begin(), text_tokens.end());
  tokens.push_back(eot);
  if (tokens.size() > static_cast<size_t>(model.dims().n_text_ctx))
    throw UserError("word times",
                    "expected at most " + std::to_string(model.dims().n_text_ctx) +
                        " tokens, got " + std::to_string(tokens.size()),
                    "align shorter texts");
  const int64_t frames = std::clamp<int64_t>(options.mel_frames / 2, 1, model.dims().n_audio_ctx);

  ScoreKeeper keeper(options.heads, static_cast<int64_t>(tokens.size()), frames);
  std::vector<Hook*> all(hooks.begin(), hooks.end());
  all.push_back(&keeper);
  Rows rows;
  rows.item = {&options.item, 1};
  const Tensor<float> logits = model.decode_forced(
      audio.reshaped({1, audio.shape[0], audio.shape[1]}),
      View<const int64_t>(tokens.data(), {1, static_cast<int64_t>(tokens.size())}), rows, all);
  const auto probabilities = token_probabilities(logits.view().sub(0), first, text_tokens, eot);
  const Tensor<float> map = attention_map(keeper.scores);
  const auto starts = token_starts(map, first, text_tokens.size() + 1);

  std::vector<int64_t> ended(text_tokens.begin(), text_tokens.end());
  ended.push_back(eot);
  std::vector<AlignedWord> words;
  size_t at = 0;
  auto groups = tokenizer.split_to_words(ended, options.language);
  if (!groups.empty()) groups.pop_back();  // eot
  for (auto& group : groups) {
    AlignedWord word;
    const size_t n = group.tokens.size();
    for (size_t i = at; i < at + n; ++i)
      word.probability += probabilities[i] / static_cast<double>(n);
    word.start = starts[at];
    word.end = starts[at + n];
    word.text = std::move(group.text);
    word.tokens = std::move(group.tokens);
    words.push_back(std::move(word));
    at += n;
  }
  return words;
}

}  // namespace otoscope::model
