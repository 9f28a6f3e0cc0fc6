#pragma once
/// Clips to tables: what is pooled of the model, of log-mel, and what is known without either; and
/// what the model writes.

#include <optional>
#include <span>
#include <vector>

#include "otoscope/contexts/pool.h"
#include "otoscope/contexts/transform.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/steer/hallucination.h"
#include "otoscope/store/manifest.h"

namespace otoscope::contexts {

/// Lines in the order of the clips; a clip's first window stands for it.
struct Gathered {
  Pooled pooled;
  Tensor<float> mel;        // (n, 2 mels): means and maxima of the model's own log-mel
  Tensor<float> nuisances;  // (n, kNuisanceCount)
  std::vector<steer::SoundWindow> windows;
  std::vector<steer::Heard> heard;  // empty where nothing was decoded
};

struct GatherOptions {
  model::Site site;  // of the encoder, one row per position
  bool decode = true;
  int batch = 8;
  std::vector<Step> steps;  // done to the sound first
  uint64_t seed = 0;        // of the steps
};

/// sae may be null. Speech is decoded in its own language, the rest in English. `hooks` act in
/// every pass (a recipe). UserError names the clip at fault.
Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::span<const store::Clip> clips, const sae::Sae* sae,
                const GatherOptions& options, Progress& progress = silent_progress(),
                model::Hooks hooks = {});

}  // namespace otoscope::contexts
