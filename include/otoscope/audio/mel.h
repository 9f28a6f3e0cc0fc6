#pragma once
/// Whisper's log-mel front end (Radford et al. 2022, §2.2; methods.md §1.1): 400-sample periodic
/// Hann, hop 160, reflect padding, Slaney mel, log10 floored at 1e-10, floored again at max - 8, (x
/// + 4)/4.

#include <span>

#include "otoscope/core/tensor.h"

namespace otoscope::audio {

/// How a clip shorter than its window is filled (methods.md trap B).
/// waveform_zero: zeros after the samples, so the padding is the mel floor. mel_zero: literal 0.0
/// in the mel, as openai-whisper's long-form loop pads its last window.
enum class Padding { waveform_zero, mel_zero };

/// (n_mels, 201) triangle weights.
Tensor<float> mel_filters(int n_mels);

/// log10 mel power before the max rule: floor(n/160) frames. pcm in [-1, 1] -> (frames, n_mels).
Tensor<float> mel_power_log10(std::span<const float> pcm, int n_mels);
/// Applies max(x, maximum - 8) and (x + 4)/4 in place. `maximum` over whatever was passed is the
/// caller's.
void finish_log_mel(View<float> log10_mel, float maximum);

/// One window: pad or trim to `frames` mel frames (3000), maximum over the window. -> (frames,
/// n_mels)
Tensor<float> log_mel_window(std::span<const float> pcm, int n_mels,
                             Padding padding = Padding::waveform_zero, int64_t frames = 3000);

}  // namespace otoscope::audio
