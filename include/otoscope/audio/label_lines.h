#pragma once
/// Labels as JSON lines, otoscope's own file of them: one clip a line,
/// {"id", "duration", "tracks": [{"kind", "source", "quality", "known": [from, to],
/// "labels": [[start, end, value], …]}, …]}. Lines of a NeMo manifest are read too: `phones_timed`
/// and `words_timed` [[start, end, value], …], and `speaker`, `gender`, `language`, `sound`, which
/// hold from end to end.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::audio {

/// A clip's id where a manifest states none: its relative path without extension, with "@1.500"
/// where it begins later in the file.
std::string default_clip_id(std::string_view named, double offset_s);

/// Checked (check_labels). Broken lines: UserError "[where:7] …"; so are ids that come twice.
std::vector<ClipLabels> parse_label_lines(std::string_view bytes, std::string_view where);
/// One line without its end. Times are kept to a microsecond.
std::string label_line(const ClipLabels& clip);

std::vector<ClipLabels> read_label_lines(const std::filesystem::path& path);
void write_label_lines(const std::filesystem::path& path, const std::vector<ClipLabels>& clips);

}  // namespace otoscope::audio
