#pragma once
/// Many edits of the model on the same windows: one clean forward, every edit resumed at its own
/// site.

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

struct Edited {
  std::string name;
  /// Where the encoder is taken up (model/resume.h); none: from its start, or the decoder alone is
  /// edited.
  std::optional<model::Site> resume;
  /// In order; all of them see the encoder from `resume` on, and the decoder.
  std::vector<model::Hook*> hooks;
};

/// Calls done(edit, first window, heard) for each batch and edit; edit -1 is the model as it is,
/// decoded only where `clean`. Items are the windows' numbers.
using EditDone = std::function<void(int64_t edit, int64_t first, std::vector<Heard> heard)>;
void run_edits(const model::Whisper& model, const model::Tokenizer& tokenizer,
               std::span<const SoundWindow> windows, std::span<const Edited> edits, bool clean,
               const HearOptions& options, std::string_view task, Progress& progress,
               const EditDone& done);

/// The same, gathered: heard[edit][window].
std::vector<std::vector<Heard>> hear_edits(const model::Whisper& model,
                                           const model::Tokenizer& tokenizer,
                                           std::span<const SoundWindow> windows,
                                           std::span<const Edited> edits,
                                           const HearOptions& options, std::string_view task,
                                           Progress& progress);

/// What `make` gives, kept as CACHE/KIND-PLAN.json; PLAN from `identity`, which must name all that
/// it depends on. A file that cannot be read is made again.
io::Json remembered(const std::filesystem::path& cache, std::string_view kind,
                    const std::string& identity, const std::function<io::Json()>& make);
/// Names windows in an identity.
std::string identity_of(std::span<const SoundWindow> windows);

/// One edit, decoded whole, in chunks that are kept as CACHE/edit-PLAN.json; `identity` says what
/// the edit is (model, SAEs, operators) in a way that changes when it does.
std::vector<Heard> hear_edit(const model::Whisper& model, const model::Tokenizer& tokenizer,
                             std::span<const SoundWindow> windows, const Edited& edit,
                             const std::string& identity, const HearOptions& options,
                             const std::filesystem::path& cache, std::string_view task,
                             Progress& progress);

}  // namespace otoscope::steer
