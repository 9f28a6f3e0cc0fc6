#pragma once
/// Clips without speech, in the form that doses are run on.

#include "otoscope/eval/clips.h"

namespace otoscope::steer {

/// Of the manifest's clips without speech in `split`, of one window or less: the first `count` by
/// hash of their id (0 = all). Their reference is empty, so there is no error rate; teacher forcing
/// gives them [sot, en, transcribe, no_timestamps] eot. Clusters: the source, else as usual.
/// UserError if there are none.
eval::ClipChoice choose_sound_clips(const store::Manifest& manifest, store::Split split,
                                    int64_t count, const model::Whisper& model,
                                    const model::Tokenizer& tokenizer);

}  // namespace otoscope::steer
