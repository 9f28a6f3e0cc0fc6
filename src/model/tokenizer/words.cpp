/// Words and their tokens for word times, as openai-whisper groups them.

#include "model/text/unicode.h"
#include "otoscope/model/languages.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The shortest groups of tokens that are whole characters. A U+FFFD that stands in the whole text
/// too is no sign of a cut.
std::vector<Tokenizer::Word> split_at_characters(const Tokenizer& tokenizer,
                                                 std::span<const int64_t> ids) {
  const std::u32string whole = text::from_utf8(tokenizer.decode_with_timestamps(ids));
  std::vector<Tokenizer::Word> words;
  std::vector<int64_t> current;
  size_t offset = 0;
  for (const int64_t id : ids) {
    current.push_back(id);
    const std::string utf8 = tokenizer.decode_with_timestamps(current);
    const std::u32string decoded = text::from_utf8(utf8);
    const size_t broken = decoded.find(kReplacement);
    if (broken == std::u32string::npos ||
        (offset + broken < whole.size() && whole[offset + broken] == kReplacement)) {
      words.push_back({utf8, std::move(current)});
      current.clear();
      offset += decoded.size();
    }
  }
  return words;
}

}  // namespace

std::vector<Tokenizer::Word> Tokenizer::split_to_words(std::span<const int64_t> ids,
                                                       std::string_view language) const {
  std::vector<Word> parts = split_at_characters(*this, ids);
  if (special_.multilingual && written_without_spaces(language)) return parts;
  std::vector<Word> words;
  for (Word& part : parts) {
    const bool special = part.tokens[0] >= special_.eot;
    const bool spaced = part.text.rfind(' ', 0) == 0;
    const bool punctuation = kPunctuation.find(text::strip(part.text)) != std::string_view::npos;
    if (special || spaced || punctuation || words.empty()) {
      words.push_back(std::move(part));
    } else {
      words.back().text += part.text;
      words.back().tokens.insert(words.back().tokens.end(), part.tokens.begin(), part.tokens.end());
    }
  }
  return words;
}

}  // namespace otoscope::model
