#include "otoscope/features/name.h"

#include <fmt/format.h>

namespace otoscope::features {
namespace {

using enum audio::LabelKind;

/// ".91"; "1.00".
std::string share(double x) {
  const std::string text = fmt::format("{:.2f}", x);
  return text[0] == '0' ? text.substr(1) : text;
}

/// "4,112"
std::string grouped(int64_t n) {
  std::string text = std::to_string(n);
  for (auto place = static_cast<int64_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<size_t>(place), 1, ',');
  return text;
}

/// "vowel" or "consonant" where the phone's rows say so.
std::string noun_of_phone(const LabelledRows& rows, int32_t value) {
  const auto held = rows.rows_of(value);
  if (!held.empty() && rows.present(phone_class))
    for (const int32_t id : rows.ids(held[held.size() / 2]))
      if (id < rows.values() && rows.kind(id) == phone_class &&
          (rows.text(id) == "vowel" || rows.text(id) == "consonant"))
        return rows.text(id);
  return "phone";
}

std::string base_name(const LabelledRows& rows, const Cell& cell, Category category) {
  const std::string& text = rows.text(cell.value);
  switch (rows.kind(cell.value)) {
    case phone:
      return fmt::format("{} /{}/", noun_of_phone(rows, cell.value), text);
    case syllable:
      return "syllable " + text;
    case stress:
      return text + " stress";
    case word:
      return fmt::format("word \"{}\"", text);
    case meaning:
      return fmt::format("meaning \"{}\"", text);
    case language:
      return category == Category::language_or_speaker
                 ? fmt::format("language {} or its one speaker", text)
                 : "language " + text;
    case speaker:
      return "speaker " + text;
    case gender:
      return "voice " + text;
    case sound:
      return "sound of " + text;
    default:
      return text;
  }
}

/// What else holds at nearly all its firings, of the kinds that qualify a sound.
std::string qualifiers(const LabelledRows& rows, const std::vector<Cell>& cells,
                       const Cell& claim) {
  constexpr double kNearlyAll = 0.8, kMoreThanChance = 1.2;
  std::string text;
  if (rows.kind(claim.value) != phone && rows.kind(claim.value) != phone_class) return text;
  for (const Cell& cell : cells) {
    const audio::LabelKind kind = rows.kind(cell.value);
    if (kind != syllable && kind != stress) continue;
    if (cell.chosen.precision() < kNearlyAll || cell.chosen.lift() < kMoreThanChance ||
        cell.test.precision() < kNearlyAll || cell.test.lift() < kMoreThanChance)
      continue;
    const std::string& value = rows.text(cell.value);
    text += ", " + (kind == syllable       ? value
                    : value == "primary"   ? std::string("stressed")
                    : value == "secondary" ? std::string("half stressed")
                                           : std::string("unstressed"));
  }
  return text;
}

}  // namespace

std::string rule_name(const LabelledRows& rows, const std::vector<Cell>& cells,
                      const Verdict& verdict) {
  if (verdict.category == Category::position_bound)
    return fmt::format("position-bound; {} of its firings survive a shift",
                       share(verdict.shift_share));
  if (!is_named(verdict.category)) return {};
  const Cell& claim = cells[static_cast<size_t>(verdict.cell)];
  return fmt::format("{}{}; P {} R {}, n {}", base_name(rows, claim, verdict.category),
                     qualifiers(rows, cells, claim), share(claim.test.precision()),
                     share(claim.test.recall()), grouped(claim.test.fired()));
}

std::string searchable_labels(const LabelledRows& rows, const std::vector<Cell>& cells) {
  std::string text;
  for (const Cell& cell : cells)
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ",
                        audio::label_kind_name(rows.kind(cell.value)), rows.text(cell.value));
  return text;
}

}  // namespace otoscope::features
