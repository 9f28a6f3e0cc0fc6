#pragma once
/// An audit: how often a model fails on a manifest, and through which features; the record that
/// others can check (docs/audit.md).

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/audit/mode.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/manifest.h"

namespace otoscope::audit {

struct AuditOptions {
  int per_source = 2;
  double choosing = .5;
  int limit = 0, limit_choosing = 0, guard = 200;
  int tokens = 0, batch = 8;
  int controls = 20, most_features = 8;
  double guard_limit = .005;
  int circuit = 16, circuit_steps = 5, circuit_draws = 20;
  int replicates = 2000;
  std::string circuit_reference = "zero";
  bool allow_programs = false, rate_only = false;
  uint64_t seed = 0;  // the command line's own --seed

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("limit", o.limit, "most test clips of each kind, 0 = all", Range{0, 1e6});
    v("limit-choosing", o.limit_choosing,
      "most clips of train, and of dev, that the mechanism is chosen on, 0 = all", Range{0, 1e6});
    v("per-source", o.per_source, "most clips of one source of sound, 0 = all", Range{0, 1000});
    v("choosing", o.choosing, "share of speech that the mechanism is chosen on", Range{.01, .9});
    v("guard", o.guard, "clips of speech that taking the features away must not hurt, 0 = none",
      Range{0, 1e6});
    v("guard-limit", o.guard_limit, "largest rise of the word error rate that counts as no harm",
      Range{0, 1});
    v("tokens", o.tokens, "most tokens of a clip, 0 = the model's default", Range{0, 224});
    v("batch", o.batch, "clips decoded at once", Range{1, 64});
    v("controls", o.controls, "sets of like features beside the features found", Range{1, 200});
    v("most-features", o.most_features, "most features of a set", Range{1, 64});
    v("circuit", o.circuit,
      "failing clips of dev that the circuit is found on, and of test that check it; 0 = none",
      Range{0, 1000});
    v("circuit-steps", o.circuit_steps, "steps of the integral of its attribution", Range{1, 100});
    v("circuit-reference", o.circuit_reference,
      "what features outside of a circuit are set to: zero, or their mean over its clips",
      Choices{{"zero", "mean"}});
    v("circuit-draws", o.circuit_draws, "random sets beside the circuit", Range{1, 1000});
    v("replicates", o.replicates, "bootstrap replicates", Range{100, 100000});
    v("rate-only", o.rate_only, "measure the rate alone, look for no mechanism");
    v("allow-programs", o.allow_programs, "run the programs that the failure mode names");
  }
};

struct AuditInputs {
  const model::Whisper& model;
  const model::Tokenizer& tokenizer;
  std::string model_name;
  std::vector<const sae::Sae*> saes;  // of the encoder's stream or of decoder rows, several of a
                                      // site are seeds; none: the rate alone
  const FailureMode& mode;
  std::filesystem::path mode_path;  // empty where the mode came with the program
  const store::Manifest& data;
  std::string data_name;
  const store::Manifest* speech = nullptr;  // of the guard
  std::string speech_name;
  /// What people said of cases of this mode (review.h), as JSON, or nothing.
  std::optional<std::string> review;
  /// What `otoscope contexts` found, as JSON, or nothing.
  std::optional<std::string> contexts;
  /// The options as the user gave them, as a JSON object, so that the audit can be run again.
  std::string command = "{}";
  std::filesystem::path folder;  // of the record: paths in it are relative to this
};

struct AuditResult {
  std::string record;  // the document, as it is written
  std::string cases;   // JSON lines: what was judged, for `audit review`
};

/// Writes nothing but CACHE (what was heard), from which an interrupted audit goes on. The result
/// fits record_schema(), or this is an error of ours.
AuditResult audit(const AuditInputs& inputs, const AuditOptions& options,
                  const std::filesystem::path& cache, Progress& progress);

}  // namespace otoscope::audit
