#pragma once
/// A failure mode: a predicate on (input, output, reference) that a program decides, in a small
/// file of JSON, frozen by its hash before anything is measured (methods.md §7.1; docs/audit.md has
/// every predicate).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::audit {

/// Whether Whisper's own filter (no-speech token over .6 and mean log-probability under -1) counts
/// as silence.
enum class Filter : uint8_t { raw, after };

/// S0 cosmetic, S1 recoverable, S2 meaning changed, S3 meaning changed where safety hangs on it.
enum class Severity : uint8_t { s0, s1, s2, s3 };
std::string_view severity_name(Severity severity);

struct Predicate {
  enum class Kind : uint8_t {
    any,             // one of `parts`
    all,             // all of them
    negation,        // not the one part
    text,            // there is text; `filter`
    empty,           // there is none, though the reference has words
    deletion,        // `count` or more words of the reference missing in a row
    repetition,      // up to `count` words said `times` times or more in a row, or `bound`
                     // exceeded by the compression ratio
    wrong_language,  // the language written is not the clip's
    number,          // words with digits are not those of the reference, in order
    name,            // one of `words` is in the reference more often than in the text
    wer,             // word error rate over `bound`
    inserted,        // one of `words` is in the text more often than in the reference
    program,         // `command` says so
  };
  Kind kind = Kind::text;
  std::vector<Predicate> parts;
  Filter filter = Filter::raw;
  int64_t count = 0, times = 0;
  double bound = 0, timeout_s = 0;
  std::vector<std::string> words, command;
};

struct Rule {
  Severity severity = Severity::s1;
  Predicate when;
};

struct FailureMode {
  std::string id, title;
  /// Which clips can fail: with speech, without, or both.
  std::optional<bool> speech;
  /// "en" forces that language on sounds; speech gets its own. "detect": the model chooses.
  std::string language = "en";
  /// A case fails where one of them holds; the highest severity of those that hold is its own.
  std::vector<Rule> rules;
  /// A group whose word error rate has its lower end over this is over the bound; 0 = not asked.
  double group_wer_bound = 0;
  /// SHA-256 over the file's content in one spelling, the version of the predicates, and the
  /// programs that judge.
  std::string hash;
  std::string canonical;         // that spelling
  std::filesystem::path folder;  // programs run there
  bool runs_programs() const;
};

/// Unknown keys and predicates, severities outside S0..S3, more than 64 predicates or 8 levels,
/// lists over 10,000 words: UserError "[where] …" with the nearest name.
FailureMode parse_mode(std::string_view json, std::string_view where,
                       const std::filesystem::path& folder = {});
FailureMode read_mode(const std::filesystem::path& path);

/// What --mode may name beside a file: modes that come with the program.
std::vector<std::string> known_modes();
/// A file, or one of the known ones.
FailureMode find_mode(const std::string& name_or_path);

}  // namespace otoscope::audit
