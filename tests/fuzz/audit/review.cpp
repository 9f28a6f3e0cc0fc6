// Cases and people's answers to them come from files: the cases, a zero byte, a review (read as one
// that was broken off, and as what a record takes its precision from). Questions and a share, or a
// UserError.
#include <cmath>
#include <nlohmann/json.hpp>

#include "fuzz/folder.h"
#include "otoscope/audit/review.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  std::string_view rest = fuzzing::text_of(data, size);
  const std::string_view cases = fuzzing::take_part(rest);
  std::vector<audit::ReviewItem> items;
  try {
    items = audit::choose_items(cases, "cases.jsonl", 3, 0);
    if (items.size() > 6) __builtin_trap();
    for (const auto& item : items)
      if (!std::isfinite(item.offset) || !std::isfinite(item.seconds)) __builtin_trap();
  } catch (const UserError&) {
  }
  const auto yes = [](const audit::ReviewItem&, size_t, size_t) {
    return std::optional(audit::Said::fails);
  };
  try {
    const io::Json before = io::parse_json(rest, "review");
    audit::review(items, "odd", "p", "c", "me", before, yes);
  } catch (const UserError&) {
  }
  try {
    audit::FailureMode mode;
    mode.id = "odd", mode.hash = "p";
    audit::Rate rate;
    rate.fails = 3, rate.n = 10;
    audit::precision_json(io::parse_json(rest, "review"), mode, rate);
  } catch (const UserError&) {
  }
  return 0;
}
