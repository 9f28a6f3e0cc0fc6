#include "otoscope/steer/target.h"

#include <algorithm>

#include "otoscope/core/text.h"

namespace otoscope::steer {
namespace {

class TextLanguageTarget : public Target {
 public:
  TextLanguageTarget(std::string language, const TextLanguage& guesser)
      : language_(std::move(language)), guesser_(guesser) {}
  std::string name() const override { return "text in " + language_; }
  bool decodes() const override { return true; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {guesser_.guess(o.text) == language_ ? 1.0 : 0.0, 1};
  }

 private:
  std::string language_;
  const TextLanguage& guesser_;
};

class LanguageProbability : public Target {
 public:
  explicit LanguageProbability(std::string language) : language_(std::move(language)) {}
  std::string name() const override { return "probability of <|" + language_ + "|>"; }
  std::vector<std::string> languages() const override { return {language_}; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {o.languages.at(0), 1};
  }

 private:
  std::string language_;
};

class HasText : public Target {
 public:
  std::string name() const override { return "share with text"; }
  bool decodes() const override { return true; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {trimmed(o.normalised).empty() ? 0.0 : 1.0, 1};
  }
};

class NoSpeech : public Target {
 public:
  std::string name() const override { return "no-speech probability"; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {o.no_speech, 1};
  }
};

class TokenProbability : public Target {
 public:
  TokenProbability(int64_t token, std::string name) : token_(token), name_(std::move(name)) {}
  std::string name() const override { return "probability of " + name_; }
  std::vector<int64_t> tokens() const override { return {token_}; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {o.watched.at(0), static_cast<double>(o.tokens)};
  }

 private:
  int64_t token_;
  std::string name_;
};

class Divergence : public Target {
 public:
  std::string name() const override { return "KL to the clean model"; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    return {o.kl, static_cast<double>(o.tokens)};
  }
};

class UnitWordErrors : public Target {
 public:
  UnitWordErrors(std::string unit, UnitWords words)
      : unit_(std::move(unit)), words_(std::move(words)) {}
  std::string name() const override { return "errors on words with " + unit_ + " minus others"; }
  bool decodes() const override { return true; }
  Parts score(const eval::SplicedClip& clip, const Outcome& o) const override {
    Parts parts;
    const auto found = words_.find(clip.clip.id);
    if (found == words_.end()) return parts;
    const std::vector<bool> right = words_right(clip.reference, o.normalised);
    if (right.size() != found->second.size()) return parts;  // another normalisation
    for (size_t i = 0; i < right.size(); ++i) {
      (found->second[i] ? parts.b : parts.d) += 1;
      if (!right[i]) (found->second[i] ? parts.a : parts.c) += 1;
    }
    return parts;
  }

 private:
  std::string unit_;
  UnitWords words_;
};

}  // namespace

std::unique_ptr<Target> text_language_target(std::string language, const TextLanguage& guesser) {
  return std::make_unique<TextLanguageTarget>(std::move(language), guesser);
}
std::unique_ptr<Target> language_probability_target(std::string language) {
  return std::make_unique<LanguageProbability>(std::move(language));
}
std::unique_ptr<Target> has_text_target() { return std::make_unique<HasText>(); }
std::unique_ptr<Target> no_speech_target() { return std::make_unique<NoSpeech>(); }
std::unique_ptr<Target> token_target(int64_t token, std::string name) {
  return std::make_unique<TokenProbability>(token, std::move(name));
}
std::unique_ptr<Target> kl_target() { return std::make_unique<Divergence>(); }
std::unique_ptr<Target> unit_words_target(std::string unit, UnitWords words) {
  return std::make_unique<UnitWordErrors>(std::move(unit), std::move(words));
}

std::vector<bool> words_right(std::string_view reference, std::string_view hypothesis) {
  const auto a = spaced_words(reference), b = spaced_words(hypothesis);
  const size_t n = a.size(), m = b.size();
  std::vector<std::vector<int>> cost(n + 1, std::vector<int>(m + 1));
  for (size_t i = 0; i <= n; ++i)
    for (size_t j = 0; j <= m; ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = static_cast<int>(i + j);
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
    }
  std::vector<bool> right(n, false);
  for (size_t i = n, j = m; i > 0 && j > 0;) {
    const bool same = a[i - 1] == b[j - 1];
    if (cost[i][j] == cost[i - 1][j - 1] + (same ? 0 : 1)) {
      right[i - 1] = same;
      --i, --j;
    } else if (cost[i][j] == cost[i - 1][j] + 1) {
      --i;
    } else {
      --j;
    }
  }
  return right;
}

}  // namespace otoscope::steer
