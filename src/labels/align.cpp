#include "otoscope/labels/align.h"

#include <mutex>
#include <optional>
#include <set>

#include "labels/align_core.h"
#include "labels/encoder_features.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/labels/espeak.h"

namespace otoscope::labels {
namespace {

constexpr double kShortest = 0.1;  // s
// Cepstra: 1 wrong text in 7 does as well. Encoder: about where as many right texts fall below as
// wrong ones lie above (docs/labels.md).
constexpr double kKeepCepstra = 0.85, kKeepEncoder = 0.24;

/// What is known of an item on its way.
struct Work {
  std::string why_not;
  Speech speech;
  SoundFeatures recording, spoken;
  FrameDistances encoder;
};

}  // namespace

const audio::Track& Alignment::track(audio::LabelKind kind) const {
  for (const audio::Track& track : tracks)
    if (track.kind == kind) return track;
  OTO_ASSERT(false && "the clip was aligned");
}

struct Aligner::Impl {
  AlignerOptions options;
  const model::Whisper* encoder = nullptr;
  std::optional<model::Site> site;
  std::string source;
  AlignTuning tuning;
  std::mutex mutex;
  std::set<std::string, std::less<>> known_languages;

  /// UserError for a language or a variant that espeak-ng does not have.
  void check_language(std::string_view language) {
    const std::lock_guard lock(mutex);
    if (known_languages.contains(language)) return;
    speak("", how(language));
    known_languages.emplace(language);
  }
  SpeakOptions how(std::string_view language) const {
    SpeakOptions how;
    how.language = language;
    how.variant = options.variant;
    return how;
  }

  Work prepare(const Item& item) const {
    Work work;
    const double seconds = audio::seconds_of_samples(static_cast<int64_t>(item.pcm.size()));
    if (seconds < kShortest) work.why_not = "too short";
    if (seconds > options.longest_s) work.why_not = "too long";
    if (!work.why_not.empty()) return work;
    try {
      work.speech = speak(item.text, how(item.language));
    } catch (const UserError&) {  // the language is known: it is the text
      work.why_not = "no words";
      return work;
    }
    if (work.speech.words.empty() || work.speech.pcm.size() < 800) {
      work.why_not = "no words";
      return work;
    }
    work.recording = sound_features(item.pcm);
    work.spoken = sound_features(work.speech.pcm);
    return work;
  }

  void encode(std::span<const Item> items, std::vector<Work>& works) const {
    std::vector<std::span<const float>> clips;
    std::vector<size_t> of;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!works[i].why_not.empty()) continue;
      clips.push_back(items[i].pcm);
      clips.emplace_back(works[i].speech.pcm);
      of.push_back(i);
    }
    const std::vector<Tensor<float>> features = encoder_features(*encoder, *site, clips);
    for (size_t k = 0; k < of.size(); ++k)
      works[of[k]].encoder = frame_distances(features[2 * k], features[2 * k + 1]);
  }

  Alignment finish(const Item& item, const Work& work) const {
    Alignment out;
    out.why_not = work.why_not;
    if (!out.why_not.empty()) return out;
    const SpeechPath path =
        align_speech(work.recording, work.speech, work.spoken, work.encoder, tuning);
    if (path.phone.empty()) {
      out.why_not = "score";
      return out;
    }
    out.score = path.score;
    out.kept = out.score >= options.keep_score;
    if (!out.kept) out.why_not = "score";
    out.tracks = tracks_of(path, work.speech, item.text,
                           audio::seconds_of_samples(static_cast<int64_t>(item.pcm.size())));
    for (audio::Track& track : out.tracks) {
      track.source = source;
      track.quality = out.score;
    }
    return out;
  }
};

Aligner::Aligner(AlignerOptions options, const model::Whisper* encoder)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->encoder = encoder;
  if (impl_->options.keep_score <= 0)
    impl_->options.keep_score = encoder == nullptr ? kKeepCepstra : kKeepEncoder;
  impl_->source = "espeak-ng " + espeak_version() + " + dtw";
  if (encoder != nullptr) {
    // The middle of the encoder: nearer to sounds than the end, less to the speaker than the begin.
    impl_->site = model::Site{model::Stack::encoder, model::Point::resid_post,
                              encoder->dims().n_audio_layer / 2};
    impl_->source +=
        " on " + model::site_name(*impl_->site) + " of " + encoder->hash().substr(0, 12);
  }
  impl_->check_language("en");  // a wrong variant is said at once
}
Aligner::Aligner(Aligner&&) noexcept = default;
Aligner& Aligner::operator=(Aligner&&) noexcept = default;
Aligner::~Aligner() = default;

Alignment Aligner::align(std::span<const float> pcm, std::string_view text,
                         std::string_view language) const {
  const Item item{pcm, text, language};
  return std::move(align({&item, 1}).front());
}

std::vector<Alignment> Aligner::align(std::span<const Item> items) const {
  for (const Item& item : items) impl_->check_language(item.language);
  std::vector<Work> works(items.size());
  std::vector<Alignment> out(items.size());
  const auto n = static_cast<int64_t>(items.size());
  parallel_ranges(n, 1, [&](int64_t i, int64_t) {
    works[static_cast<size_t>(i)] = impl_->prepare(items[static_cast<size_t>(i)]);
  });
  if (impl_->encoder != nullptr) impl_->encode(items, works);
  parallel_ranges(n, 1, [&](int64_t i, int64_t) {
    const auto at = static_cast<size_t>(i);
    out[at] = impl_->finish(items[at], works[at]);
    works[at] = {};
  });
  return out;
}

const AlignerOptions& Aligner::options() const { return impl_->options; }
const std::string& Aligner::source() const { return impl_->source; }

}  // namespace otoscope::labels
