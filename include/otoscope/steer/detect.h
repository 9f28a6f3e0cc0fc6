#pragma once
/// Which features foretell it: detectors of two questions on windows that were listened to.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/steer/listen.h"

namespace otoscope::steer {

/// Windows with a yes or no each; `rows` are their places in what was listened to.
struct Question {
  std::string name;  // "non-speech or speech"
  std::vector<int64_t> rows;
  std::vector<uint8_t> positive;
};

/// A detector from features of one SAE.
struct FoundDetector {
  size_t sae = 0;
  Pool pool = Pool::mean;
  FeatureDetector detector;
  double dev_auroc = .5;
};

struct DetectOptions {
  int most_features = 8;
  int candidates = 32;
  uint64_t seed = 0;
  int replicates = 1000;
};

/// A line of the table of detectors.
struct DetectorRow {
  std::string name;     // "4 features at encoder.out, mean"
  std::string kind;     // "features", "probe", "baseline", "control"
  int64_t numbers = 0;  // looked at by the detector
  double dev = .5;
  Estimate test;
};

struct Detected {
  std::string question;
  int64_t positives[3] = {0, 0, 0}, negatives[3] = {0, 0, 0};  // train, dev, test
  std::vector<DetectorRow> rows;
  std::vector<FoundDetector> by_sae;  // chosen on dev, by AUROC
  std::vector<FoundDetector> sizes;   // all SAEs, pools and numbers of features
  std::vector<Logistic> probes;       // of each SAE's site
  std::string why_not;                // the question cannot be answered: a class is missing

  bool answered() const { return why_not.empty(); }
  nlohmann::ordered_json json(std::span<const SiteSae> saes) const;
};

Detected detect(const Question& question, std::span<const SoundWindow> windows,
                const Listened& listened, std::span<const SiteSae> saes,
                const DetectOptions& options, Progress& progress);

}  // namespace otoscope::steer
