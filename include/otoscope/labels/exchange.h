#pragma once
/// Labels from and to other programs' files, for a corpus.

#include <filesystem>
#include <string>
#include <string_view>

#include "otoscope/labels/make_labels.h"

namespace otoscope::labels {

/// A `.TextGrid` (or a folder of them), `.ctm`, `.rttm` or `.jsonl` becomes OUT/labels.jsonl with
/// summary.json. Its clips are found in the manifest by id, by the id's last part, or by file name;
/// a clip's length is that of its manifest, or of its sound. ARPAbet phones become IPA, and phone
/// classes, syllables and the words' edges are added. UserError: a clip that the manifest lacks,
/// labels that overlap, are reversed or past the end (a table of ends, or of samples, is
/// recognised by that and named).
LabelSummary import_labels(const std::filesystem::path& from, const std::filesystem::path& manifest,
                           const std::filesystem::path& out, std::string_view table_kind = "word");

/// to: "textgrid" (a file per clip, in folders as in the ids), "ctm" or "rttm" (one file of one
/// kind: `table_kind`; speaker for rttm). Returns how many files were written.
int64_t export_labels(const std::filesystem::path& labels, std::string_view to,
                      const std::filesystem::path& out, std::string_view table_kind = "word");

}  // namespace otoscope::labels
