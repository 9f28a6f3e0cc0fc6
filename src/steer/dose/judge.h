#pragma once
/// What a model makes of a batch of clips, from the encoder's output on.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/eval/clips.h"
#include "otoscope/steer/dose.h"

namespace otoscope::steer {

class Judge {
 public:
  Judge(const model::Whisper& model, const model::Tokenizer& tokenizer, const Target& target,
        const DoseOptions& options);

  /// Teacher-forced logits of clips, each (tokens, V). audio: (n, n_audio_ctx, d).
  std::vector<Tensor<float>> forced(std::span<const eval::SplicedClip> clips,
                                    std::span<const int64_t> items, View<const float> audio,
                                    model::Hooks hooks) const;
  /// What such logits say of a clip, against the clean model's.
  void judge(const eval::SplicedClip& clip, View<const float> clean, View<const float> logits,
             Outcome& outcome) const;
  /// Greedy decoding -> the rest of the outcomes.
  void decode(std::span<const eval::SplicedClip> clips, std::span<const int64_t> items,
              View<const float> audio, model::Hooks hooks, const std::string& language,
              std::span<Outcome> outcomes) const;

 private:
  const model::Whisper& model_;
  const model::Tokenizer& tokenizer_;
  const DoseOptions& options_;
  std::vector<int64_t> watched_, languages_;
};

}  // namespace otoscope::steer
