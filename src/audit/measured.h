#pragma once
/// All that an audit measured, before it is written down.

#include <nlohmann/json.hpp>
#include <vector>

#include "audit/causal.h"
#include "audit/circuit.h"
#include "audit/predictive.h"
#include "audit/search.h"
#include "otoscope/audit/audit.h"
#include "otoscope/audit/rate.h"
#include "otoscope/audit/wording.h"

namespace otoscope::audit {

struct Measured {
  Measured(const AuditInputs& inputs, const AuditOptions& given) : in(inputs), options(given) {}

  const AuditInputs& in;
  const AuditOptions& options;
  std::vector<steer::SiteSae> saes;
  Gathered g;
  std::vector<Case> test;  // of g
  std::vector<Judgement> judged;
  Rate rate;
  Predictive predictive;
  Search search;
  Circuit circuit;
  Target target;
  Causal causal;
  Wording wording = Wording::no_verdict;
  std::vector<steer::SoundWindow> guard;  // clips of speech
  nlohmann::ordered_json predictive_json, search_json, causal_json, circuit_json, multiverse;
};

/// The record but for its provenance.
nlohmann::ordered_json record_json(const Measured& measured);
/// JSON lines: what was judged.
std::string cases_text(const Measured& measured);

}  // namespace otoscope::audit
