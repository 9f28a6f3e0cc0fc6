#include "serve/word_marks.h"

#include <algorithm>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/labels/plain_word.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/registry.h"
#include "otoscope/model/words.h"

namespace otoscope::serve {
namespace {

using Clips = std::map<int64_t, const Example*>;
using Words = std::map<int64_t, std::vector<TimedWord>>;

void time_by_model(const Clips& clips, const std::string& model_name, Words& words,
                   Progress& progress) {
  // Word times are read off to tens of milliseconds: bf16 is exact enough and twice as fast.
  model::LoadOptions load;
  load.precision = Precision::bf16;
  const model::Whisper whisper =
      model::Whisper::load(model::resolve_model(model_name), load, progress);
  const model::Tokenizer tokenizer = model::load_tokenizer(whisper, progress);
  const model::Dims& dims = whisper.dims();
  model::AlignOptions options;
  options.heads = model::alignment_heads(whisper.folder(), dims);

  progress.start("time words", static_cast<int64_t>(clips.size()), "clips");
  int64_t done = 0;
  for (const auto& [item, example] : clips) {
    throw_if_interrupted();
    progress.advance(++done);
    const std::vector<float> pcm =
        audio::decode_file(example->path, example->offset_s, example->duration_s);
    const auto frames = static_cast<int64_t>(pcm.size()) / audio::kHopSamples;
    if (frames == 0 || frames > dims.n_mel_frames()) continue;
    Tensor<float> mel =
        audio::log_mel_window(pcm, dims.n_mels, audio::Padding::waveform_zero, dims.n_mel_frames());
    mel.reshape(Shape{1, mel.shape()[0], mel.shape()[1]});
    const Tensor<float> encoded = whisper.encode(mel);
    options.language = example->language;
    options.mel_frames = frames;
    for (const model::AlignedWord& word :
         model::align_words(whisper, tokenizer, encoded.view().sub(0),
                            tokenizer.encode(" " + trimmed(example->text)), options))
      words[item].push_back({trimmed(word.text), word.start, word.end});
  }
  progress.finish();
}

}  // namespace

std::optional<std::vector<TimedWord>> labelled_words(const audio::ClipLabels& clip,
                                                     std::string_view text) {
  const audio::Track* track = clip.find(audio::LabelKind::word);
  if (track == nullptr) return {};
  std::vector<TimedWord> words;
  size_t next = 0;
  for (const std::string& written : split(trimmed(text), ' ')) {
    const std::string plain = labels::plain_word(written);
    if (plain.empty()) {  // a dash or a bracket alone: it stays with the word before it
      if (!words.empty() && !written.empty()) words.back().word += " " + written;
      continue;
    }
    if (next == track->labels.size() || track->labels[next].value != plain) return {};
    words.push_back({written, track->labels[next].start, track->labels[next].end});
    ++next;
  }
  if (next != track->labels.size() || words.empty()) return {};
  return words;
}

std::map<int64_t, std::vector<TimedWord>> time_words(std::span<const ChosenFeature* const> features,
                                                     std::span<const audio::ClipLabels> labels,
                                                     const std::string& model_name,
                                                     Progress& progress) {
  std::map<std::string_view, const audio::ClipLabels*> by_id;
  for (const audio::ClipLabels& clip : labels) by_id.emplace(clip.id, &clip);
  Words words;
  Clips others;
  for (const ChosenFeature* feature : features)
    for (const Example& example : feature->examples) {
      if (trimmed(example.text).empty() || words.count(example.item) != 0) continue;
      const auto clip = by_id.find(example.name);
      if (clip != by_id.end())
        if (auto labelled = labelled_words(*clip->second, example.text)) {
          words.emplace(example.item, std::move(*labelled));
          continue;
        }
      others.emplace(example.item, &example);
    }
  if (!model_name.empty() && !others.empty()) time_by_model(others, model_name, words, progress);
  return words;
}

}  // namespace otoscope::serve
