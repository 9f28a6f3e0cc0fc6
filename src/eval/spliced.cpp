#include "otoscope/eval/spliced.h"

#include <algorithm>

#include "eval/token_scores.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/eval/splice.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/model/wer.h"

namespace otoscope::eval {
namespace {

using model::Point;
using model::Site;
using model::Stack;

constexpr int64_t kForcedAtOnce = 4;   // logits of so many clips in one forward
constexpr double kLoopingRatio = 2.4;  // openai-whisper's bound on the compression ratio

/// Where a clean forward is taken up for a system: the last place of the residual stream before
/// anything changes. None: from the start.
std::optional<Site> start_of(const System& system) {
  const Site first = system.source.value_or(system.site);
  if (first.stack == Stack::decoder) return {};
  if (model::can_resume_at(first)) return first;
  if (first.block < 0) return {};
  const bool mlp = first.point > Point::resid_mid;
  return Site{first.stack, mlp ? Point::resid_mid : Point::resid_pre, first.block};
}

/// One batch of clips on its way through the clean model and every system.
class Batch {
 public:
  Batch(const model::Whisper& model, const model::Tokenizer& tokenizer,
        std::span<const SplicedClip> clips, const SplicedOptions& options, ClipBatch batch)
      : model_(model),
        tokenizer_(tokenizer),
        clips_(clips),
        options_(options),
        batch_(std::move(batch)) {
    rows_.B = static_cast<int64_t>(clips.size());
    rows_.item = batch_.item;
    rows_.valid = batch_.valid;
  }

  /// The clean forward, keeping what the systems start from.
  void encode_clean(const std::vector<Site>& sites) {
    model::Recorder recorder(sites);
    model::Hook* hook = &recorder;
    clean_ =
        model_.encode(batch_.mel, rows_, sites.empty() ? model::Hooks{} : model::Hooks(&hook, 1));
    for (const Site& site : sites) starts_.emplace_back(site, recorder.last(site).clone());
  }
  const Tensor<float>& clean() const { return clean_; }

  /// The encoder's output under a system; decoder sites leave it alone.
  Tensor<float> encode_spliced(const System& system) const {
    if (system.site.stack == Stack::decoder) return clean_.clone();
    const std::optional<Site> start = start_of(system);
    Splice splice(system.site, *system.reconstructor, system.source);
    model::Hook* hook = &splice;
    const Tensor<float>* x = start ? start_value(*start) : nullptr;
    if (x == nullptr) return model_.encode(batch_.mel, rows_, {&hook, 1});
    if (!(*start == system.site)) return model_.encode_from(*start, *x, rows_, {&hook, 1});
    Tensor<float> spliced = x->clone();
    splice_rows(*system.reconstructor, spliced, batch_.valid);
    return model_.encode_from(*start, spliced, rows_);
  }

  /// Teacher-forced logits of clips [first, first + n) of the batch.
  Tensor<float> forced(View<const float> audio, int64_t first, int64_t n,
                       model::Hooks hooks) const {
    std::vector<std::vector<int64_t>> sequences;
    for (int64_t i = first; i < first + n; ++i)
      sequences.push_back(clips_[static_cast<size_t>(i)].tokens);
    const model::TokenBatch tokens = model::pad_tokens(sequences, tokenizer_.special().eot);
    model::Rows rows;
    rows.B = n;
    rows.item = std::span(batch_.item).subspan(static_cast<size_t>(first), static_cast<size_t>(n));
    rows.valid = tokens.valid;
    return model_.decode_forced(audio.slice(first, first + n), tokens.tokens, rows, hooks);
  }

  /// Greedy decoding -> the second half of the scores.
  void decode(View<const float> audio, model::Hooks hooks, std::span<ClipScore> scores) const {
    model::DecodeOptions options;
    for (const SplicedClip& clip : clips_) options.languages.push_back(clip.clip.language);
    options.without_timestamps = true;
    options.sample_len = options_.max_tokens;
    options.batch = options_.batch;
    const auto results = model::decode(model_, tokenizer_, audio, options, batch_.item, hooks);
    for (size_t i = 0; i < clips_.size(); ++i) {
      const std::string text = model::normalize(results[i].text, clips_[i].clip.language);
      const auto words = model::word_errors(clips_[i].reference, text);
      const auto characters = model::character_errors(clips_[i].reference, text);
      scores[i].words = words.reference();
      scores[i].word_errors = words.errors();
      scores[i].characters = characters.reference();
      scores[i].character_errors = characters.errors();
      scores[i].length = static_cast<int64_t>(results[i].tokens.size());
      scores[i].empty = results[i].text.empty();
      scores[i].looping = results[i].compression_ratio > kLoopingRatio;
      scores[i].text = results[i].text;
    }
  }

  const SplicedClip& clip(int64_t i) const { return clips_[static_cast<size_t>(i)]; }
  int64_t size() const { return rows_.B; }

 private:
  const Tensor<float>* start_value(const Site& site) const {
    for (const auto& [known, x] : starts_)
      if (known == site) return &x;
    return nullptr;
  }

  const model::Whisper& model_;
  const model::Tokenizer& tokenizer_;
  std::span<const SplicedClip> clips_;
  const SplicedOptions& options_;
  ClipBatch batch_;
  model::Rows rows_;
  Tensor<float> clean_;
  std::vector<std::pair<Site, Tensor<float>>> starts_;
};

void add(const TokenScores& s, ClipScore& clip) {
  clip.tokens = static_cast<int64_t>(s.ce.size());
  for (size_t t = 0; t < s.ce.size(); ++t) {
    clip.ce += s.ce[t];
    clip.kl += s.kl[t];
    clip.agree += s.agree[t] != 0 ? 1 : 0;
  }
}

/// Teacher-forced logits of a batch, a few clips a piece.
std::vector<Tensor<float>> forced_logits(const Batch& batch, View<const float> audio,
                                         model::Hooks hooks) {
  std::vector<Tensor<float>> pieces;
  for (int64_t first = 0; first < batch.size(); first += kForcedAtOnce)
    pieces.push_back(
        batch.forced(audio, first, std::min(kForcedAtOnce, batch.size() - first), hooks));
  return pieces;
}

/// Scores one piece of logits against the clean model's.
void score_piece(const Batch& batch, int64_t first, View<const float> clean,
                 View<const float> logits, std::span<ClipScore> scores,
                 std::vector<float>* token_kl) {
  for (int64_t i = 0; i < clean.shape[0]; ++i) {
    const SplicedClip& clip = batch.clip(first + i);
    const TokenScores s = score_tokens(clean.sub(i), logits.sub(i), clip.tokens, clip.prompt);
    add(s, scores[static_cast<size_t>(first + i)]);
    if (token_kl) token_kl->insert(token_kl->end(), s.kl.begin(), s.kl.end());
  }
}

/// One system on one batch: encoder from its site, forced decoder, free decoding.
void score_system(const Batch& batch, const std::vector<Tensor<float>>& clean,
                  std::span<ClipScore> scores, SystemScores& out) {
  const System& system = out.system;
  const Tensor<float> audio = batch.encode_spliced(system);
  Splice splice(system.site, *system.reconstructor, system.source);
  model::Hook* hook = &splice;
  const model::Hooks hooks =
      system.site.stack == Stack::decoder ? model::Hooks(&hook, 1) : model::Hooks{};
  for (size_t piece = 0; piece < clean.size(); ++piece) {
    throw_if_interrupted();
    const int64_t first = static_cast<int64_t>(piece) * kForcedAtOnce;
    const Tensor<float> logits = batch.forced(audio, first, clean[piece].shape()[0], hooks);
    score_piece(batch, first, clean[piece], logits, scores, &out.token_kl);
  }
  if (system.decode) batch.decode(audio, hooks, scores);
}

void check(const model::Whisper& model, std::span<const System> systems) {
  for (const System& system : systems) {
    const int64_t width = model::site_width(model.dims(), system.site);
    if (system.reconstructor->d_out() != width)
      throw UserError(model::site_name(system.site),
                      "expected reconstructions of width " + std::to_string(width) + ", got " +
                          std::to_string(system.reconstructor->d_out()),
                      "the SAE belongs to another site or model");
  }
}

}  // namespace

SplicedRun run_spliced(const model::Whisper& model, const model::Tokenizer& tokenizer,
                       const ClipChoice& choice, std::span<const System> systems,
                       const SplicedOptions& options, Progress& progress) {
  check(model, systems);
  std::vector<Site> sites;
  for (const System& system : systems)
    if (const auto start = start_of(system);
        start && std::find(sites.begin(), sites.end(), *start) == sites.end())
      sites.push_back(*start);

  const auto n = static_cast<int64_t>(choice.clips.size());
  SplicedRun run;
  run.clean.resize(choice.clips.size());
  for (const System& system : systems) run.systems.push_back({system, run.clean, {}});

  progress.start("splicing reconstructions into the model", n, "clips");
  for (int64_t first = 0; first < n; first += options.batch) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(options.batch, n - first);
    Batch batch(
        model, tokenizer,
        std::span(choice.clips).subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
        options, load_clips(choice.clips, first, count, model.dims(), options.padding));
    batch.encode_clean(sites);
    const std::vector<Tensor<float>> clean = forced_logits(batch, batch.clean(), {});

    const auto part = [&](std::vector<ClipScore>& scores) {
      return std::span(scores).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    };
    for (size_t piece = 0; piece < clean.size(); ++piece)
      score_piece(batch, static_cast<int64_t>(piece) * kForcedAtOnce, clean[piece], clean[piece],
                  part(run.clean), nullptr);
    batch.decode(batch.clean(), {}, part(run.clean));
    for (SystemScores& scores : run.systems) score_system(batch, clean, part(scores.clips), scores);
    progress.advance(first + count);
  }
  progress.finish();
  return run;
}

}  // namespace otoscope::eval
