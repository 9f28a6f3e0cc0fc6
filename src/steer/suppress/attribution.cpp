#include "otoscope/steer/attribution.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/model/vjp.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kAtOnce = 2;  // windows whose forward is kept for the backward

/// Tokens that decoding may sample there beside the end: text, and the languages, which nothing
/// forbids.
std::vector<int64_t> text_tokens(const model::Tokenizer& tokenizer) {
  std::vector<uint8_t> allowed(static_cast<size_t>(tokenizer.special().eot), 1);
  for (const int64_t id : tokenizer.non_speech_tokens())
    if (id < tokenizer.special().eot) allowed[static_cast<size_t>(id)] = 0;
  std::vector<int64_t> ids;
  for (size_t id = 0; id < allowed.size(); ++id)
    if (allowed[id] != 0) ids.push_back(static_cast<int64_t>(id));
  const model::SpecialTokens& special = tokenizer.special();
  if (special.multilingual)
    for (int64_t i = 0; i < special.n_languages; ++i) ids.push_back(special.first_language + i);
  return ids;
}

/// The margin of one row of logits; its gradient by the logits goes to `cotangent`.
double margin_of(const float* logits, int64_t eot, const std::vector<int64_t>& text,
                 float* cotangent) {
  float largest = logits[text[0]];
  for (const int64_t id : text) largest = std::max(largest, logits[id]);
  double sum = 0;
  for (const int64_t id : text) sum += std::exp(static_cast<double>(logits[id] - largest));
  for (const int64_t id : text)
    cotangent[id] = static_cast<float>(-std::exp(static_cast<double>(logits[id] - largest)) / sum);
  cotangent[eot] = 1;
  return static_cast<double>(logits[eot]) - static_cast<double>(largest) - std::log(sum);
}

struct Sums {
  std::vector<double> sounds, speech, direction;
  double windows_sounds = 0, windows_speech = 0, frames = 0;
};

void add_window(const SiteSae& one, const sae::Encoder& encoder, View<const float> x,
                View<const float> gradient, bool speech, Sums& sums) {
  const int64_t d = x.width();
  SparseRows codes;
  encoder.encode(x, codes);
  std::vector<double>& into = speech ? sums.speech : sums.sounds;
  (speech ? sums.windows_speech : sums.windows_sounds) += 1;
  for (int64_t t = 0; t < x.rows(); ++t) {
    const float* g = gradient.row(t);
    for (int64_t e = codes.indptr[static_cast<size_t>(t)];
         e < codes.indptr[static_cast<size_t>(t) + 1]; ++e) {
      const int32_t j = codes.indices[static_cast<size_t>(e)];
      const float* direction = one.sae->W_dec.view().row(j);
      double along = 0;
      for (int64_t i = 0; i < d; ++i)
        along += static_cast<double>(g[i]) * static_cast<double>(direction[i]);
      into[static_cast<size_t>(j)] +=
          along * static_cast<double>(codes.values[static_cast<size_t>(e)]);
    }
    if (speech) continue;
    sums.frames += 1;
    for (int64_t i = 0; i < d; ++i)
      sums.direction[static_cast<size_t>(i)] += static_cast<double>(g[i]);
  }
}

}  // namespace

std::vector<Attribution> attribute(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                   std::span<const SoundWindow> windows,
                                   std::span<const SiteSae> saes, const std::string& language,
                                   Margins& margins, Progress& progress) {
  const auto n = static_cast<int64_t>(windows.size());
  const int64_t eot = tokenizer.special().eot;
  const std::vector<int64_t> text = text_tokens(tokenizer);
  std::vector<Sums> sums;
  std::vector<model::Site> sites;
  std::vector<std::unique_ptr<sae::Encoder>> encoders;
  for (const SiteSae& one : saes) {
    const auto F = static_cast<size_t>(one.sae->F()), d = static_cast<size_t>(one.sae->d());
    sums.push_back(
        {std::vector<double>(F, 0), std::vector<double>(F, 0), std::vector<double>(d, 0)});
    sites.push_back(one.site);
    encoders.push_back(std::make_unique<sae::Encoder>(*one.sae));
  }
  const model::Site logits_site = model::find_site(model.dims(), "logits");

  progress.start("attributing", n, "windows");
  for (int64_t first = 0; first < n; first += kAtOnce) {
    throw_if_interrupted();
    const int64_t count = std::min(kAtOnce, n - first);
    const HeardBatch batch = load_batch(windows, first, count, model.dims());
    std::vector<std::vector<int64_t>> sequences;
    for (const SoundWindow& window : batch.windows) {
      sequences.push_back(tokenizer.sot_sequence(window.speech ? window.clip.language : language));
      sequences.back().push_back(tokenizer.special().timestamp_begin);
    }
    const model::TokenBatch tokens = model::pad_tokens(sequences, eot);
    const model::Tape tape(model, batch.mel, tokens.tokens, batch.rows());
    const View<const float> logits = tape.value(logits_site);
    Tensor<float> cotangent(logits.shape);
    for (int64_t b = 0; b < count; ++b) {
      const int64_t last = static_cast<int64_t>(sequences[static_cast<size_t>(b)].size()) - 1;
      const double margin =
          margin_of(logits.sub(b).row(last), eot, text, cotangent.view().sub(b).row(last));
      (batch.windows[static_cast<size_t>(b)].speech ? margins.speech : margins.sounds)
          .push_back(margin);
    }
    const model::Cotangent read{logits_site, cotangent};
    const auto gradients = tape.gradients({&read, 1}, sites);
    for (size_t s = 0; s < saes.size(); ++s) {
      const View<const float> x = tape.value(sites[s]);
      for (int64_t b = 0; b < count; ++b) {
        const int64_t valid = batch.valid[static_cast<size_t>(b)];
        if (valid > 0)
          add_window(saes[s], *encoders[s], x.sub(b).slice(0, valid),
                     gradients[s].view().sub(b).slice(0, valid),
                     batch.windows[static_cast<size_t>(b)].speech, sums[s]);
      }
    }
    progress.advance(first + count);
  }
  progress.finish();

  std::vector<Attribution> found;
  for (Sums& of : sums) {
    Attribution attribution;
    for (const double v : of.sounds)
      attribution.of_sounds.push_back(v / std::max(of.windows_sounds, 1.0));
    for (const double v : of.speech)
      attribution.of_speech.push_back(v / std::max(of.windows_speech, 1.0));
    for (const double v : of.direction)
      attribution.direction.push_back(static_cast<float>(v / std::max(of.frames, 1.0)));
    found.push_back(std::move(attribution));
  }
  return found;
}

}  // namespace otoscope::steer
