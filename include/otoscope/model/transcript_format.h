#pragma once
/// Transcripts as files: plain text, SubRip, WebVTT, JSON.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/model/transcribe.h"

namespace otoscope::model {

/// One line a segment. Segments without text are left out, here and below.
std::string as_text(const Transcript& transcript);
/// SubRip: numbered, 00:00:01,240 --> 00:00:02,000.
std::string as_srt(const Transcript& transcript);
/// WebVTT. With word times both take a segment's times from its words.
std::string as_vtt(const Transcript& transcript);
/// {"path", "language", "text", "duration", "segments": [{"start", "end", "text", "tokens",
/// "avg_logprob", "no_speech_prob", "compression_ratio", "temperature", "seek"}], "words":
/// [{"word", "start", "end", "probability", "segment"}]}. Words are there only with word times.
nlohmann::ordered_json as_json(const Transcript& transcript, bool words);

/// 1:02:03.450 with hours if they are not 0 or `hours`.
std::string timestamp(double seconds, bool hours, char mark);

}  // namespace otoscope::model
