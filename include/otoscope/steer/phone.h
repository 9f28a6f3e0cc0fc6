#pragma once
/// Steering a phone (methods.md §5.8): features that fire on it are suppressed, amplified or
/// exchanged for another phone's; do words that hold the phone change more than other words of the
/// same clips?

#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/audio/labels.h"
#include "otoscope/core/options.h"
#include "otoscope/steer/contrast.h"
#include "otoscope/steer/dose.h"

namespace otoscope::steer {

struct PhoneOptions {
  std::string phone, swap, labels, phone_language = "en";
  int phone_features = 8, phone_clips = 60, phone_control_every = 3;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("phone", o.phone, "phone whose features are suppressed (IPA)");
    v("swap", o.swap, "also exchange its features with this phone's");
    v("labels", o.labels, "labels of the clips (label verb), with phones and words");
    v("phone-language", o.phone_language, "language of the clips");
    v("phone-features", o.phone_features, "how many features stand for a phone", Range{1, 4096});
  }
};

/// Features by falling F1 of "fires" against "the row has this phone", on training rows of items
/// with phone labels in one language.
struct PhoneFeatures {
  std::vector<int32_t> features;
  std::vector<double> f1, precision, recall;
  std::vector<float> direction;  // (d): mean row of the phone minus mean of other labelled rows
  int64_t rows = 0, phone_rows = 0;
};
PhoneFeatures phone_features(const sae::Sae& sae, const store::Store& store,
                             std::span<const audio::ClipLabels> labels, std::string_view phone,
                             std::string_view language, int64_t most_rows = 60000,
                             Progress& progress = silent_progress());

/// For each labelled clip, which words of its word track hold the phone. Clips whose words are not
/// those of `reference` (by id) are left out.
UnitWords words_with_phone(std::span<const audio::ClipLabels> labels, std::string_view phone,
                           const std::map<std::string, std::string>& reference);

/// Suppression over >= 7 strengths, its controls, the difference of means at the same rows and
/// dose, edits in the phone's own frames alone, and the exchange with another phone.
nlohmann::ordered_json steer_phone(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                   const sae::Sae& sae, const store::Store& store,
                                   const store::Manifest& manifest,
                                   std::span<const audio::ClipLabels> labels,
                                   const PhoneOptions& options, std::vector<double> strengths,
                                   int controls, const DoseOptions& dose,
                                   Progress& progress = silent_progress());

}  // namespace otoscope::steer
