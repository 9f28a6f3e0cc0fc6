#include "otoscope/audit/wording.h"

#include <fmt/format.h>

#include "otoscope/core/text.h"

namespace otoscope::audit {

std::string_view wording_name(Wording wording) {
  switch (wording) {
    case Wording::through:
      return "through";
    case Wording::associated:
      return "associated with";
    case Wording::modulated:
      return "modulated by";
    case Wording::not_shown:
      return "not shown";
    case Wording::no_verdict:
      break;
  }
  return "no verdict";
}

std::string_view status_name(Wording wording) {
  switch (wording) {
    case Wording::through:
      return "supported";
    case Wording::associated:
    case Wording::modulated:
      return "partial";
    case Wording::not_shown:
      return "not_supported";
    case Wording::no_verdict:
      break;
  }
  return "inconclusive";
}

Wording wording_of(bool rate_sufficient, Column predictive, Column causal) {
  if (!rate_sufficient) return Wording::no_verdict;
  if (predictive == Column::not_measured && causal == Column::not_measured)
    return Wording::no_verdict;
  const bool foretells = predictive == Column::passed, causes = causal == Column::passed;
  if (foretells && causes) return Wording::through;
  if (foretells) return Wording::associated;
  if (causes) return Wording::modulated;
  return Wording::not_shown;
}

std::string features_phrase(std::span<const int32_t> features, std::string_view site) {
  constexpr size_t kNamed = 8;
  if (features.size() > kNamed) return fmt::format("{} features of {}", features.size(), site);
  std::vector<std::string> names;
  for (const int32_t j : features) names.push_back(std::to_string(j));
  return fmt::format("feature{} {} of {}", names.size() == 1 ? "" : "s", join(names), site);
}

std::string sentence(const Claim& claim) {
  const std::string counts =
      fmt::format("{} of {} clips of {} {}", claim.fails, claim.n, claim.clusters,
                  claim.cluster_unit) +
      (claim.errors > 0 ? fmt::format("; {} more could not be judged", claim.errors) : "");
  const std::string where = fmt::format("on {}, {}", claim.data, claim.decoding);
  if (!claim.sufficient)
    return fmt::format("No rate of \"{}\" can be given for {} {}: {} ({}).", claim.title,
                       claim.model, where, claim.insufficient, counts);
  std::string text;
  if (claim.fails == 0)
    text = fmt::format(
        "No case of \"{}\" was seen of {} {} ({}); a rate of up to {:.1f} % is not "
        "excluded",
        claim.title, claim.model, where, counts, 100 * claim.high);
  else
    text = fmt::format("{} exhibits \"{}\" at a rate of {:.1f} % [{:.1f}, {:.1f}] ({}) {}",
                       claim.model, claim.title, 100 * claim.value, 100 * claim.low,
                       100 * claim.high, counts, where);
  switch (claim.wording) {
    case Wording::through:
      text += ", through " + claim.features;
      break;
    case Wording::associated:
      text += ", associated with " + claim.features;
      break;
    case Wording::modulated:
      text += ", modulated by " + claim.features;
      break;
    case Wording::not_shown:
      text += "; a mechanism is not shown";
      break;
    case Wording::no_verdict:
      text += "; nothing is said about a mechanism";
      break;
  }
  if (!claim.mechanism_note.empty()) text += " (" + claim.mechanism_note + ")";
  return text + ".";
}

}  // namespace otoscope::audit
