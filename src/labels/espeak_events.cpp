#include "labels/espeak_events.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>

#include <utf8proc.h>

#include "otoscope/core/errors.h"

namespace otoscope::labels {
namespace {

constexpr int kSilent = 40;               // of 32767; between sounds the synthesiser is at 0
constexpr double kLongestClosure = 0.15;  // s

bool is_letter(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
      return true;
    default:
      return false;
  }
}

/// Scripts whose words have no spaces between them: Thai to Khmer, kana, Han.
bool is_unspaced(int32_t c) {
  return (c >= 0x0E00 && c < 0x1100) || (c >= 0x1780 && c < 0x1800) ||
         (c >= 0x3040 && c < 0xA000) || (c >= 0x20000 && c < 0x32000);
}

template <class Each>
void each_character(std::string_view text, const Each& each) {
  for (size_t at = 0; at < text.size();) {
    int32_t c = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    if (size <= 0)
      throw UserError("text", "expected UTF-8, got other bytes at byte " + std::to_string(at));
    each(at, static_cast<size_t>(size), c);
    at += static_cast<size_t>(size);
  }
}

bool is_modifier(std::string_view ipa) {
  bool all = !ipa.empty();
  each_character(ipa, [&](size_t, size_t, int32_t c) {
    const bool combining = c >= 0x300 && c < 0x370;
    const bool raised = c >= 0x2B0 && c < 0x300;  // ʰ ʲ ʷ ː ˠ …
    all = all && (combining || raised);
  });
  return all;
}

/// Cut at 8 bytes by the library: half a character at the end goes.
std::string_view whole_characters(std::string_view name) {
  size_t end = name.size();
  while (end > 0 && (static_cast<unsigned char>(name[end - 1]) & 0xC0) == 0x80) --end;
  if (end == 0) return {};
  const auto lead = static_cast<unsigned char>(name[end - 1]);
  const size_t wanted = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return name.substr(0, name.size() - (end - 1) >= wanted ? end - 1 + wanted : end - 1);
}

/// Names of the transcript in order, for stress and long names.
class Transcript {
 public:
  explicit Transcript(std::string_view clauses) {
    for (std::string_view rest = clauses; !rest.empty();) {
      const size_t end = rest.find_first_of("_ \n");
      if (end != 0) names_.emplace_back(rest.substr(0, end));
      rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    }
  }

  /// The transcript's name of the next phone that events call so, or null.
  const std::string* next(std::string_view event) {
    constexpr size_t kAhead = 6;  // names without an event lie between
    const std::string wanted = plain_ipa(event);
    for (size_t i = at_; i < std::min(names_.size(), at_ + kAhead); ++i) {
      const std::string name = plain_ipa(names_[i]);
      if (name != wanted && !(event.size() >= 7 && name.starts_with(wanted))) continue;
      at_ = i + 1;
      return &names_[i];
    }
    return nullptr;
  }

 private:
  std::vector<std::string> names_;
  size_t at_ = 0;
};

/// Builds phones and words at the library's own rate; `finish` goes to 16 kHz.
class Builder {
 public:
  Builder(const RawSpeech& raw, const TextPlaces& places, Speech& speech)
      : raw_(raw), places_(places), speech_(speech), transcript_(raw.transcript) {}

  void word(const RawEvent& event) {
    if (event.length <= 0) {  // the end of a clause
      word_ = -1;
      return;
    }
    floor_ = event.sample;
    if (places_.words().empty()) return;
    const int64_t character = std::max(0, event.text_position - 1);
    const size_t token = std::max(places_.word_at(character), token_);
    const bool same = token_ == token && !speech_.words.empty();
    const size_t byte = places_.byte_of(character);
    if (same && !(places_.unspaced(token) && byte > last_byte_)) {
      word_ = static_cast<int32_t>(speech_.words.size()) - 1;
      return;
    }
    SpokenWord word;
    std::tie(word.text_begin, word.text_end) = places_.words()[token];
    if (places_.unspaced(token)) {
      // A place behind the token, which only a broken library says, makes an empty word.
      word.text_begin = std::clamp(byte, word.text_begin, word.text_end);
      if (same) speech_.words.back().text_end = word.text_begin;
    } else if (!speech_.words.empty() && token > token_ + 1) {
      // "there are" is one entry of the dictionary, and one event: one word with two parts.
      speech_.words.back().text_end = places_.words()[token - 1].second;
    }
    token_ = token;
    last_byte_ = byte;
    word_ = static_cast<int32_t>(speech_.words.size());
    speech_.words.push_back(word);
  }

  void phone(const RawEvent& event, int64_t end) {
    std::string_view name = whole_characters(event.name);
    const std::string* full = name.empty() ? nullptr : transcript_.next(name);
    if (full != nullptr) name = *full;
    const std::string ipa = plain_ipa(name);
    auto& phones = speech_.phones;
    const bool after_phone = !phones.empty() && phones.back().word == word_ && word_ >= 0;
    if (after_phone && is_modifier(ipa)) phones.back().ipa += ipa;
    const bool switches = name.starts_with('(');
    if (after_phone && (switches || is_modifier(ipa) || (ipa.empty() && sounds(event.sample, end))))
      return extend(end);
    if (end <= event.sample) return;
    SpokenPhone phone;
    if (!switches) phone.ipa = ipa;
    phone.start = phone.ipa.empty() ? event.sample : closure_before(event.sample);
    phone.end = end;
    phone.word = phone.ipa.empty() ? -1 : word_;
    phone.stress = stress_in(name);
    if (phone.ipa.empty() && !phones.empty() && phones.back().ipa.empty()) return extend(end);
    if (!phones.empty()) phones.back().end = phone.start;
    phones.push_back(std::move(phone));
    floor_ = event.sample;
  }

  void finish() {
    auto& phones = speech_.phones;
    std::erase_if(phones, [](const SpokenPhone& phone) { return phone.end <= phone.start; });
    const auto samples = static_cast<int64_t>(speech_.pcm.size());
    const auto at_16k = [&](int64_t sample) {
      return std::clamp<int64_t>(std::llround(double(sample) * 16000 / raw_.rate), 0, samples);
    };
    for (SpokenPhone& phone : phones) {
      phone.start = at_16k(phone.start);
      phone.end = at_16k(phone.end);
    }
    if (!phones.empty() && phones.front().start > 0) {
      if (phones.front().ipa.empty())
        phones.front().start = 0;
      else
        phones.insert(phones.begin(), SpokenPhone{"", Stress::none, 0, phones.front().start, -1});
    }
    if (!phones.empty()) phones.back().end = samples;
    place_words();
  }

 private:
  void extend(int64_t end) { speech_.phones.back().end = std::max(speech_.phones.back().end, end); }

  bool sounds(int64_t begin, int64_t end) const {
    int peak = 0;
    for (int64_t i = std::max<int64_t>(begin, 0); i < std::min(end, size()); ++i)
      peak = std::max(peak, std::abs(int{raw_.pcm[static_cast<size_t>(i)]}));
    return peak > 8 * kSilent;
  }

  int64_t closure_before(int64_t sample) const {
    const int64_t first =
        std::max(floor_, sample - static_cast<int64_t>(kLongestClosure * raw_.rate));
    int64_t begin = std::min(sample, size());
    while (begin > first && std::abs(int{raw_.pcm[static_cast<size_t>(begin - 1)]}) < kSilent)
      --begin;
    return begin;
  }

  int64_t size() const { return static_cast<int64_t>(raw_.pcm.size()); }

  void place_words() {
    auto& words = speech_.words;
    std::vector<int32_t> number(words.size(), -1);
    std::vector<SpokenWord> kept;
    for (SpokenPhone& phone : speech_.phones) {
      if (phone.word < 0) continue;
      int32_t& mine = number[static_cast<size_t>(phone.word)];
      if (mine < 0) {
        mine = static_cast<int32_t>(kept.size());
        kept.push_back(words[static_cast<size_t>(phone.word)]);
        kept.back().start = phone.start;
      }
      kept[static_cast<size_t>(mine)].end = phone.end;
      phone.word = mine;
    }
    words = std::move(kept);
  }

  const RawSpeech& raw_;
  const TextPlaces& places_;
  Speech& speech_;
  Transcript transcript_;
  int32_t word_ = -1;
  size_t token_ = 0, last_byte_ = 0;
  int64_t floor_ = 0;  // no closure reaches before this
};

}  // namespace

TextPlaces::TextPlaces(std::string_view text) : plain_(text) {
  bool inside = false, letters = false, unspaced = false;
  size_t begin = 0;
  const auto close = [&](size_t end) {
    if (inside && letters) {
      words_.emplace_back(begin, end);
      unspaced_.push_back(unspaced);
    }
    inside = letters = unspaced = false;
  };
  each_character(text, [&](size_t at, size_t size, int32_t c) {
    if (c < 0x20 || c == 0x7F) plain_[at] = ' ';
    bytes_.push_back(at);
    const bool space = c <= 0x20 || c == 0x7F || utf8proc_category(c) == UTF8PROC_CATEGORY_ZS ||
                       utf8proc_category(c) == UTF8PROC_CATEGORY_CC;
    if (space) return close(at);
    if (!inside) begin = at;
    inside = true;
    letters = letters || is_letter(c);
    unspaced = unspaced || is_unspaced(c);
    (void)size;
  });
  close(text.size());
}

size_t TextPlaces::byte_of(int64_t character) const {
  if (character < 0) return 0;
  const auto at = static_cast<size_t>(character);
  return at < bytes_.size() ? bytes_[at] : plain_.size();
}

size_t TextPlaces::word_at(int64_t character) const {
  const size_t byte = byte_of(character);
  for (size_t i = 0; i < words_.size(); ++i)
    if (byte < words_[i].second) return i;
  return words_.empty() ? 0 : words_.size() - 1;
}

std::string plain_ipa(std::string_view name) {
  std::string plain;
  each_character(name, [&](size_t at, size_t size, int32_t c) {
    const bool mark = c == 0x2C8 || c == 0x2CC;  // ˈ ˌ
    const bool letter = c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter && !mark) plain += name.substr(at, size);
  });
  return plain;
}

Stress stress_in(std::string_view name) {
  if (name.find("ˈ") != name.npos) return Stress::primary;
  if (name.find("ˌ") != name.npos) return Stress::secondary;
  return Stress::none;
}

void read_events(const RawSpeech& raw, const TextPlaces& places, Speech& speech) {
  Builder builder(raw, places, speech);
  const auto& events = raw.events;
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].word) {
      builder.word(events[i]);
      continue;
    }
    size_t next = i + 1;
    while (next < events.size() && events[next].word) ++next;
    builder.phone(events[i], next < events.size() ? events[next].sample
                                                  : static_cast<int64_t>(raw.pcm.size()));
  }
  builder.finish();
}

}  // namespace otoscope::labels
