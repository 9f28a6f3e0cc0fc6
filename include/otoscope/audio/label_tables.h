#pragma once
/// NIST's tables of labels, one a line (formats.md §6.1): CTM (words with times) and RTTM (who
/// speaks when). Both give a start and a *duration*.

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::audio {

/// `file channel start duration value [confidence …]`; `;;` begins a comment. One clip per file,
/// in the order of appearance, one track per channel, quality = mean confidence (1 where none).
/// duration_s is the last end: correct it from the manifest. Broken lines: UserError "[where:7] …".
std::vector<ClipLabels> parse_ctm(std::string_view bytes, std::string_view where,
                                  LabelKind kind = LabelKind::word);
/// `SPEAKER file channel start duration <NA> <NA> name <NA> [<NA>]`. Speakers who talk at once are
/// put on tracks of their own. Lines of other types (SPKR-INFO, …) are passed over.
std::vector<ClipLabels> parse_rttm(std::string_view bytes, std::string_view where);

/// The labels of one kind; white space in a value becomes "_". Ids with white space: UserError.
std::string ctm_text(const std::vector<ClipLabels>& clips, LabelKind kind = LabelKind::word);
std::string rttm_text(const std::vector<ClipLabels>& clips, LabelKind kind = LabelKind::speaker);

}  // namespace otoscope::audio
