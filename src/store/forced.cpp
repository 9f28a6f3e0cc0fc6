#include "store/forced.h"

#include <algorithm>
#include <functional>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/io/hash.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::store {
namespace {

constexpr int kMostOwnTokens = 64;  // loops would flood the rows

/// Complains of all clips at once: a corpus is mended in one go.
void refuse_any(const std::vector<Clip>& clips, const char* what, const char* hint,
                const std::function<bool(size_t)>& bad) {
  int64_t count = 0;
  size_t first = 0;
  for (size_t i = clips.size(); i-- > 0;)
    if (bad(i)) ++count, first = i;
  if (count == 0) return;
  throw UserError(clips[first].id,
                  std::string("expected ") + what + " for decoder sites, got " +
                      std::to_string(count) + " clips that are otherwise, this is the first",
                  hint);
}

/// A multilingual model needs one to be told; an English-only one has no other.
bool knows(const model::Tokenizer& tokenizer, const std::string& language) {
  return tokenizer.knows(language) || (!tokenizer.special().multilingual && language.empty());
}

}  // namespace

std::vector<Forced> forced_of(const std::vector<Clip>& clips, const model::Whisper& model,
                              const model::Tokenizer& tokenizer) {
  refuse_any(clips, "clips with a text", "--with-text leaves the others out",
             [&](size_t i) { return !clips[i].text || trimmed(*clips[i].text).empty(); });
  refuse_any(clips, "clips in a language that the model knows", "say `language` in the manifest",
             [&](size_t i) { return !knows(tokenizer, clips[i].language); });
  std::vector<Forced> forced;
  for (const Clip& clip : clips) {
    const std::string language = tokenizer.special().multilingual ? clip.language : "en";
    Forced one;
    one.tokens = model::forced_tokens(tokenizer, language, *clip.text);
    one.first =
        static_cast<int64_t>(tokenizer.sot_sequence(language, "transcribe", true).size()) - 1;
    forced.push_back(std::move(one));
  }
  refuse_any(clips, "texts that fit the decoder", "cut the clips shorter in the manifest",
             [&](size_t i) {
               return static_cast<int64_t>(forced[i].tokens.size()) > model.dims().n_text_ctx;
             });
  return forced;
}

std::vector<Forced> own_text_of(const std::vector<Clip>& clips, const model::Whisper& model,
                                const model::Tokenizer& tokenizer, int batch, Progress& progress) {
  const auto language_of = [&](const Clip& clip) -> std::string {
    return !tokenizer.special().multilingual || clip.language.empty() ? "en" : clip.language;
  };
  refuse_any(clips, "clips in a language that the model knows", "say `language` in the manifest",
             [&](size_t i) { return !knows(tokenizer, language_of(clips[i])); });
  const model::Dims& dims = model.dims();
  const auto n = static_cast<int64_t>(clips.size());
  std::vector<Forced> forced;
  progress.start("hearing what the model writes", n, "clips");
  for (int64_t first = 0; first < n; first += batch) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(batch, n - first);
    const MelBatch sound = mel_batch(count, dims, [&](int64_t i) {
      return window_samples(clips[static_cast<size_t>(first + i)], dims);
    });
    model::Rows rows;
    rows.B = count;
    model::DecodeOptions decoding;
    decoding.sample_len = kMostOwnTokens;
    for (int64_t i = 0; i < count; ++i)
      decoding.languages.push_back(language_of(clips[static_cast<size_t>(first + i)]));
    const auto written = model::decode(model, tokenizer, model.encode(sound.mel, rows), decoding);
    for (size_t i = 0; i < written.size(); ++i) {
      Forced one;
      one.tokens = tokenizer.sot_sequence(decoding.languages[i]);
      one.tokens.insert(one.tokens.end(), written[i].tokens.begin(), written[i].tokens.end());
      if (static_cast<int>(one.tokens.size()) >= dims.n_text_ctx)
        one.tokens.resize(static_cast<size_t>(dims.n_text_ctx) - 1);
      one.tokens.push_back(tokenizer.special().eot);
      forced.push_back(std::move(one));
    }
    progress.advance(first + count);
  }
  progress.finish();
  return forced;
}

std::string hash_of(const std::vector<Forced>& forced) {
  io::Sha256 hash;
  for (const Forced& one : forced) {
    hash.update(std::to_string(one.first) + ":");
    hash.update(std::as_bytes(std::span(one.tokens)));
  }
  return hash.hex();
}

}  // namespace otoscope::store
