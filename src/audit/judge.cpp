#include "otoscope/audit/judge.h"

#include <algorithm>
#include <map>

#include "audit/program.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/model/wer.h"

namespace otoscope::audit {
namespace {

using Kind = Predicate::Kind;
using Answer = Judgement::Answer;

constexpr size_t kMostWords = 4096;  // of a text that is aligned

/// One case before one rule.
class Asking {
 public:
  Asking(const FailureMode& mode, const Case& one, const JudgeOptions& options)
      : mode_(mode), case_(one), options_(options) {}

  Answer ask(const Predicate& p) {
    switch (p.kind) {
      case Kind::any:
        return several(p, Answer::fails, Answer::passes);  // one that fails decides
      case Kind::all:
        return several(p, Answer::passes, Answer::fails);
      case Kind::negation: {
        const Answer inner = ask(p.parts[0]);
        return inner == Answer::error   ? inner
               : inner == Answer::fails ? Answer::passes
                                        : Answer::fails;
      }
      case Kind::text: {
        const Filter filter = options_.filter.value_or(p.filter);
        return answer(filter == Filter::raw ? case_.heard.wrote() : case_.heard.kept());
      }
      case Kind::repetition:
        return answer(case_.heard.compression > p.bound ||
                      repeats(case_.heard.normalised, p.count) >= p.times);
      case Kind::wrong_language:
        if (mode_.language != "detect")
          return error("the language was given to the model, not detected");
        if (case_.language.empty()) return error("the clip's language is not known");
        return answer(case_.heard.language != case_.language);
      case Kind::program: {
        const ProgramAnswer said = run_judge(p, mode_.folder, case_);
        return said.error.empty() ? answer(said.fails) : error(said.error);
      }
      default:
        return against_reference(p);
    }
  }
  const std::string& why() const { return why_; }

 private:
  static Answer answer(bool fails) { return fails ? Answer::fails : Answer::passes; }
  Answer error(const std::string& why) {
    if (why_.empty()) why_ = why;
    return Answer::error;
  }

  /// One part that says `decisive` is enough; else an error among them is an error.
  Answer several(const Predicate& p, Answer decisive, Answer otherwise) {
    bool unsure = false;
    for (const Predicate& part : p.parts) {
      const Answer one = ask(part);
      if (one == decisive) return decisive;
      unsure = unsure || one == Answer::error;
    }
    return unsure ? Answer::error : otherwise;
  }

  Answer against_reference(const Predicate& p) {
    if (!case_.reference) return error("the clip has no reference text");
    const std::string& text = case_.heard.normalised;
    const std::string& reference = *case_.reference;
    if (p.kind == Kind::empty) return answer(!reference.empty() && text.empty());
    const auto heard = spaced_words(text), said = spaced_words(reference);
    if (heard.size() > kMostWords || said.size() > kMostWords)
      return error("a text of more than 4096 words");
    switch (p.kind) {
      case Kind::deletion:
        return answer(longest_deletion(reference, text) >= p.count);
      case Kind::number:
        return answer(with_digits(said) != with_digits(heard));
      case Kind::name:
        return answer(more_often(p.words, said, heard));
      case Kind::inserted:
        return answer(more_often(p.words, heard, said));
      case Kind::wer: {
        if (said.empty()) return error("the reference has no words");
        return answer(model::count_edits(said, heard).rate() > p.bound);
      }
      default:
        break;
    }
    OTO_ASSERT(false);
    return Answer::error;
  }

  static std::vector<std::string> with_digits(const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const std::string& word : words)
      if (word.find_first_of("0123456789") != std::string::npos) found.push_back(word);
    return found;
  }

  static bool more_often(const std::vector<std::string>& wanted,
                         const std::vector<std::string>& here,
                         const std::vector<std::string>& there) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& word) {
      return std::count(here.begin(), here.end(), word) >
             std::count(there.begin(), there.end(), word);
    });
  }

  const FailureMode& mode_;
  const Case& case_;
  const JudgeOptions& options_;
  std::string why_;
};

}  // namespace

int64_t longest_deletion(std::string_view reference, std::string_view text) {
  const auto said = spaced_words(reference), heard = spaced_words(text);
  const size_t n = said.size(), m = heard.size();
  std::vector<int32_t> cost((n + 1) * (m + 1));
  const auto at = [&](size_t i, size_t j) -> int32_t& { return cost[i * (m + 1) + j]; };
  for (size_t i = 0; i <= n; ++i) at(i, 0) = static_cast<int32_t>(i);
  for (size_t j = 0; j <= m; ++j) at(0, j) = static_cast<int32_t>(j);
  for (size_t i = 1; i <= n; ++i)
    for (size_t j = 1; j <= m; ++j)
      at(i, j) = std::min({at(i - 1, j - 1) + (said[i - 1] == heard[j - 1] ? 0 : 1),
                           at(i - 1, j) + 1, at(i, j - 1) + 1});
  int64_t longest = 0, run = 0;
  for (size_t i = n, j = m; i > 0 || j > 0;) {
    if (i > 0 && at(i, j) == at(i - 1, j) + 1) {
      longest = std::max(longest, ++run);
      --i;
      continue;
    }
    run = 0;
    if (i > 0 && j > 0 && at(i, j) == at(i - 1, j - 1) + (said[i - 1] == heard[j - 1] ? 0 : 1)) {
      --i, --j;
    } else {
      --j;
    }
  }
  return longest;
}

int64_t repeats(std::string_view text, int64_t longest) {
  const auto words = spaced_words(text);
  const size_t n = words.size();
  int64_t most = n == 0 ? 0 : 1;
  for (size_t k = 1; k <= static_cast<size_t>(longest) && 2 * k <= n; ++k) {
    size_t same = 0;  // words equal to the one k places before, in a row
    for (size_t i = k; i < n; ++i) {
      same = words[i] == words[i - k] ? same + 1 : 0;
      most = std::max(most, static_cast<int64_t>(same / k) + 1);
    }
  }
  return most;
}

Judgement judge(const FailureMode& mode, const Case& one, const JudgeOptions& options) {
  if (mode.runs_programs() && !options.allow_programs)
    throw UserError(mode.id, "judges by running a program, which was not allowed",
                    "read the mode and the program, then add --allow-programs");
  Judgement judgement;
  for (const Rule& rule : mode.rules) {
    Asking asking(mode, one, options);
    const Answer said = asking.ask(rule.when);
    if (said == Answer::fails) {
      judgement.severity = judgement.answer == Answer::fails
                               ? std::max(judgement.severity, rule.severity)
                               : rule.severity;
      judgement.answer = Answer::fails;
    } else if (said == Answer::error && judgement.answer != Answer::fails) {
      judgement.answer = Answer::error;
    }
    if (said == Answer::error && judgement.why.empty()) judgement.why = asking.why();
  }
  return judgement;
}

std::vector<Judgement> judge_all(const FailureMode& mode, std::span<const Case> cases,
                                 const JudgeOptions& options, Progress& progress) {
  std::vector<Judgement> judgements;
  progress.start("judging", static_cast<int64_t>(cases.size()), "results");
  for (const Case& one : cases) {
    throw_if_interrupted();
    judgements.push_back(judge(mode, one, options));
    progress.advance(static_cast<int64_t>(judgements.size()));
  }
  progress.finish();
  return judgements;
}

}  // namespace otoscope::audit
