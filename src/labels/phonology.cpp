#include "otoscope/labels/phonology.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::embedded {
extern const std::string_view phonology;
extern const std::string_view arpabet;
}  // namespace otoscope::embedded

namespace otoscope::labels {
namespace {

/// Rows of a table of ours: fields between tabs, "-" for nothing, `#` comments.
std::vector<std::vector<std::string>> rows_of(std::string_view table) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : split(table, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    rows.push_back(split(line, '\t'));
    for (std::string& field : rows.back())
      if (field == "-") field.clear();
  }
  return rows;
}

const std::map<std::string, Sound, std::less<>>& sounds() {
  static const auto table = [] {
    std::map<std::string, Sound, std::less<>> made;
    for (const auto& row : rows_of(embedded::phonology)) {
      OTO_ASSERT(row.size() == 9);
      made[row[0]] = {row[1] == "vowel", row[2], row[3], row[4], row[5], row[6], row[7], row[8]};
    }
    return made;
  }();
  return table;
}

const std::map<std::string, std::string, std::less<>>& arpabet() {
  static const auto table = [] {
    std::map<std::string, std::string, std::less<>> made;
    for (const auto& row : rows_of(embedded::arpabet)) made[row.at(0)] = row.at(1);
    return made;
  }();
  return table;
}

struct Mark {
  std::string_view text;
  bool Phone::*field;  // null: passed over
};
constexpr Mark kMarks[] = {{"ː", &Phone::long_},
                           {"ˑ", &Phone::long_},
                           {"\u0303", &Phone::nasalised},
                           {"ʲ", &Phone::palatalised},
                           {"\u0329", &Phone::syllabic},
                           {"˞", &Phone::rhotic},
                           {"ʰ", &Phone::aspirated},
                           {"ˈ", nullptr},
                           {"ˌ", nullptr},
                           {"\u0361", nullptr},
                           {"\u035C", nullptr},
                           {"\u032F", nullptr},
                           {"\u031E", nullptr},
                           {"\u031D", nullptr},
                           {"\u032A", nullptr},
                           {"\u0306", nullptr},
                           {"\u030A", nullptr},
                           {"\u0325", nullptr},
                           {"\u0308", nullptr},
                           {"ˠ", nullptr},
                           {"ʷ", nullptr},
                           {"\u0320", nullptr},
                           {"\u031F", nullptr},
                           {"\u031A", nullptr},
                           {"ʼ", nullptr},
                           {"-", nullptr},
                           {"\u200D", nullptr}};

std::string bare_arpabet(std::string_view value) {
  std::string name(value);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.size() > 1 && name.back() >= '0' && name.back() <= '2') name.pop_back();
  return name;
}

void add_classes(const Phone& phone, std::vector<std::string>& classes) {
  // espeak-ng gives Russian "ja" and English "əl" as one phone: the vowel says what it is.
  const auto vowel = std::find_if(phone.sounds.begin(), phone.sounds.end(),
                                  [](const Sound* sound) { return sound->vowel; });
  const auto head = vowel == phone.sounds.end() ? phone.sounds.begin() : vowel;
  const Sound& first = **head;
  const auto add = [&](const std::string& text, const char* after = "") {
    if (!text.empty()) classes.push_back(text + after);
  };
  add(first.vowel ? "vowel" : "consonant");
  if (first.vowel) {
    add(first.height, " vowel"), add(first.backness, " vowel"), add(first.rounding, " vowel");
    const auto later = [&](auto&& holds) {
      return std::any_of(head + 1, phone.sounds.end(), holds);
    };
    if (later([](const Sound* sound) { return sound->vowel; })) add("diphthong");
    if (phone.nasalised) add("nasal vowel");
    if (phone.long_) add("long vowel");
    // espeak-ng gives English "ɑːɹ" and "aɪɚ" as one phone.
    if (phone.rhotic || first.other == "rhotic" ||
        later([](const Sound* sound) { return sound->other == "rhotic"; }))
      add("rhotic vowel");
    return;
  }
  add(first.voicing), add(first.place), add(first.manner), add(first.other);
  if (phone.palatalised) add("palatalised");
  if (phone.long_) add("long consonant");
  if (phone.syllabic) add("syllabic");
  if (phone.aspirated) add("aspirated");
}

}  // namespace

Phone phone_of(std::string_view ipa) {
  Phone phone;
  std::string plain;  // without ties, so that t͡ʃ is tʃ
  for (size_t at = 0; at < ipa.size();)
    if (ipa.substr(at).starts_with("\u0361") || ipa.substr(at).starts_with("\u035C"))
      at += 2;
    else
      plain += ipa[at++];
  const std::string_view text = plain;
  for (size_t at = 0; at < text.size();) {
    const Sound* sound = nullptr;
    size_t length = 0;
    for (size_t n = 1; n <= 4 && at + n <= text.size(); ++n)  // no symbol is longer than 4 bytes
      if (const auto found = sounds().find(text.substr(at, n)); found != sounds().end())
        sound = &found->second, length = n;
    if (sound != nullptr) {
      phone.sounds.push_back(sound);
      at += length;
      continue;
    }
    const auto* const mark = std::find_if(std::begin(kMarks), std::end(kMarks), [&](const Mark& m) {
      return text.substr(at).starts_with(m.text);
    });
    if (mark == std::end(kMarks)) {
      phone.unknown = true;
      ++at;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    } else {
      if (mark->field != nullptr) phone.*mark->field = true;
      at += mark->text.size();
    }
  }
  return phone;
}

std::vector<std::string> phone_classes(std::string_view ipa) {
  const Phone phone = phone_of(ipa);
  std::vector<std::string> classes;
  if (phone.unknown || phone.sounds.empty()) return classes;
  add_classes(phone, classes);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  return classes;
}

const std::vector<std::string>& all_phone_classes() {
  static const auto all = [] {
    std::set<std::string> names;
    for (const auto& [symbol, sound] : sounds()) {
      Phone phone;
      phone.long_ = phone.nasalised = phone.palatalised = phone.syllabic = phone.rhotic =
          phone.aspirated = true;
      phone.sounds = {&sound, &sound};
      std::vector<std::string> classes;
      add_classes(phone, classes);
      names.insert(classes.begin(), classes.end());
    }
    return std::vector<std::string>(names.begin(), names.end());
  }();
  return all;
}

std::string ipa_of_espeak(std::string_view phone, std::string_view language) {
  struct Odd {
    std::string_view language, written, meant;
  };
  static constexpr Odd kOdd[] = {
      {"ru", "y", "ɨ"}, {"ru", "ɭ", "ɫ"}, {"ru", "ɭʲ", "lʲ"}, {"it", "ss", "sː"}};
  for (const Odd& odd : kOdd)
    if (odd.language == language && odd.written == phone) return std::string(odd.meant);
  return std::string(phone);
}

std::string ipa_of_arpabet(std::string_view value) {
  const auto found = arpabet().find(bare_arpabet(value));
  return found == arpabet().end() ? std::string(value) : found->second;
}

bool is_arpabet(const audio::Track& track) {
  bool sure = false;
  for (const audio::Label& label : track.labels) {
    const auto found = arpabet().find(bare_arpabet(label.value));
    if (found == arpabet().end()) return false;
    // "b" is the same in both, and "ts" might be IPA; "hh" and "iy" cannot be.
    sure = sure || label.value.size() > 1;
  }
  return sure;
}

audio::Track as_ipa(audio::Track track) {
  if (track.kind != audio::LabelKind::phone) return track;
  const bool convert = is_arpabet(track);
  std::vector<audio::Label> kept;
  for (audio::Label& label : track.labels) {
    // Silences have ARPAbet's names in files of either kind.
    const auto found = arpabet().find(bare_arpabet(label.value));
    if (found != arpabet().end() && found->second.empty()) continue;
    if (convert) label.value = found->second;
    kept.push_back(std::move(label));
  }
  track.labels = std::move(kept);
  return track;
}

}  // namespace otoscope::labels
