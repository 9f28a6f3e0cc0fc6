#include "otoscope/steer/phone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/directions.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;

const audio::ClipLabels* labels_of(std::span<const audio::ClipLabels> labels,
                                   const std::map<std::string, size_t>& index,
                                   const std::string& id) {
  const auto found = index.find(id);
  return found == index.end() ? nullptr : &labels[found->second];
}

std::map<std::string, size_t> index_of(std::span<const audio::ClipLabels> labels) {
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < labels.size(); ++i) index[labels[i].id] = i;
  return index;
}

/// Frames [first, second) whose centres lie in labels of a value.
std::vector<std::pair<int64_t, int64_t>> frames_of(const audio::Track& track,
                                                   std::string_view value) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const audio::Label& label : track.labels)
    if (label.value == value) {
      const auto first = static_cast<int64_t>(std::ceil(label.start / audio::kFrameSeconds));
      const auto end = static_cast<int64_t>(std::ceil(label.end / audio::kFrameSeconds));
      if (end > first) ranges.emplace_back(first, end);
    }
  return ranges;
}

}  // namespace

PhoneFeatures phone_features(const sae::Sae& sae, const store::Store& store,
                             std::span<const audio::ClipLabels> labels, std::string_view phone,
                             std::string_view language, int64_t most_rows, Progress& progress) {
  const auto index = index_of(labels);
  const auto F = static_cast<size_t>(sae.F());
  std::vector<int64_t> hits(F), fired(F);
  std::vector<double> with(static_cast<size_t>(sae.d())), without(with.size());
  PhoneFeatures result;
  const sae::Encoder encoder(sae);
  SparseRows codes;
  progress.start("finding the phone's features", most_rows, "rows");
  for (const store::Item& item : store.items()) {
    if (result.rows >= most_rows) break;
    if (item.split != "train" || item.language != language || item.n_rows == 0) continue;
    const audio::ClipLabels* clip = labels_of(labels, index, item.id);
    const audio::Track* track = clip ? clip->find(audio::LabelKind::phone) : nullptr;
    if (track == nullptr) continue;
    throw_if_interrupted();
    std::vector<uint8_t> is(static_cast<size_t>(item.n_rows));
    for (const auto& [first, end] : frames_of(*track, phone))
      for (int64_t t = first; t < std::min(end, item.n_rows); ++t) is[static_cast<size_t>(t)] = 1;
    Tensor<float> x(Shape{item.n_rows, store.d()});
    store.read(item.first_row, x);
    encoder.encode(x, codes);
    for (int64_t r = 0; r < item.n_rows; ++r) {
      const bool here = is[static_cast<size_t>(r)] != 0;
      ++result.rows;
      result.phone_rows += here ? 1 : 0;
      for (auto e = static_cast<size_t>(codes.indptr[static_cast<size_t>(r)]);
           e < static_cast<size_t>(codes.indptr[static_cast<size_t>(r) + 1]); ++e) {
        const auto j = static_cast<size_t>(codes.indices[e]);
        ++fired[j];
        hits[j] += here ? 1 : 0;
      }
      for (int64_t i = 0; i < store.d(); ++i)
        (here ? with : without)[static_cast<size_t>(i)] += x.at(r, i);
    }
    progress.advance(std::min(result.rows, most_rows));
  }
  progress.finish();
  if (result.phone_rows == 0 || result.phone_rows == result.rows)
    throw UserError(phone, "expected a phone of the labelled training clips",
                    "list them with `label`; phones are written in IPA");
  std::vector<std::pair<double, int32_t>> ranked;
  const auto f1 = [&](size_t j) {
    return 2.0 * static_cast<double>(hits[j]) / static_cast<double>(fired[j] + result.phone_rows);
  };
  for (size_t j = 0; j < F; ++j)
    if (hits[j] > 0) ranked.emplace_back(-f1(j), static_cast<int32_t>(j));
  std::sort(ranked.begin(), ranked.end());
  for (const auto& [key, f] : ranked) {
    const auto j = static_cast<size_t>(f);
    result.features.push_back(f);
    result.f1.push_back(f1(j));
    result.precision.push_back(static_cast<double>(hits[j]) / static_cast<double>(fired[j]));
    result.recall.push_back(static_cast<double>(hits[j]) / static_cast<double>(result.phone_rows));
  }
  for (size_t i = 0; i < with.size(); ++i)
    result.direction.push_back(
        static_cast<float>(with[i] / static_cast<double>(result.phone_rows) -
                           without[i] / static_cast<double>(result.rows - result.phone_rows)));
  return result;
}

UnitWords words_with_phone(std::span<const audio::ClipLabels> labels, std::string_view phone,
                           const std::map<std::string, std::string>& reference) {
  UnitWords all;
  for (const audio::ClipLabels& clip : labels) {
    const auto text = reference.find(clip.id);
    const audio::Track* words = clip.find(audio::LabelKind::word);
    const audio::Track* phones = clip.find(audio::LabelKind::phone);
    if (text == reference.end() || words == nullptr || phones == nullptr) continue;
    if (spaced_words(text->second).size() != words->labels.size()) continue;  // split otherwise
    std::vector<bool> holds;
    for (const audio::Label& word : words->labels)
      holds.push_back(
          std::any_of(phones->labels.begin(), phones->labels.end(), [&](const audio::Label& p) {
            const double centre = (p.start + p.end) / 2;
            return p.value == phone && centre >= word.start && centre < word.end;
          }));
    all[clip.id] = std::move(holds);
  }
  return all;
}

OrderedJson steer_phone(const model::Whisper& model, const model::Tokenizer& tokenizer,
                        const sae::Sae& sae, const store::Store& store,
                        const store::Manifest& manifest, std::span<const audio::ClipLabels> labels,
                        const PhoneOptions& options, std::vector<double> strengths, int controls,
                        const DoseOptions& dose, Progress& progress) {
  const model::Site site = model::find_site(model.dims(), store.site());
  const PhoneFeatures found =
      phone_features(sae, store, labels, options.phone, options.phone_language, 60000, progress);
  const Scales scales = measure_scales(&sae, store, store::Split::train, 16384, progress);

  // Test clips with labels, those with the phone first: others say little of it.
  store::Manifest chosen = manifest;
  store::assign_splits(chosen.clips);
  const auto index = index_of(labels);
  std::set<std::string> with_phone;
  for (const audio::ClipLabels& clip : labels)
    if (const audio::Track* track = clip.find(audio::LabelKind::phone);
        track != nullptr && !frames_of(*track, options.phone).empty())
      with_phone.insert(clip.id);
  std::erase_if(chosen.clips, [&](const store::Clip& clip) {
    return clip.language != options.phone_language || !with_phone.contains(clip.id);
  });
  const auto choice =
      eval::choose_clips(chosen, store::Split::test, options.phone_clips, model, tokenizer);
  std::map<std::string, std::string> references;
  for (const auto& clip : choice.clips) references[clip.clip.id] = clip.reference;
  UnitWords words = words_with_phone(labels, options.phone, references);
  if (words.empty())
    throw UserError(options.labels, "expected word and phone labels of the test clips",
                    "make them with `label`");
  int64_t holding = 0, others = 0;
  for (const auto& [id, holds] : words)
    for (const bool h : holds) (h ? holding : others) += 1;
  const auto labelled = static_cast<int64_t>(words.size());
  const auto target = unit_words_target("/" + options.phone + "/", std::move(words));

  const auto k = static_cast<int64_t>(
      std::min(found.features.size(), static_cast<size_t>(options.phone_features)));
  const std::vector<int32_t> features(found.features.begin(), found.features.begin() + k);
  const double strongest = *std::max_element(strengths.begin(), strengths.end());
  const auto arm_of = [&](std::string name, Arm::Role role, std::vector<Operator> operators,
                          std::vector<double> at) {
    Arm arm;
    arm.name = std::move(name);
    arm.role = role;
    arm.operators = std::move(operators);
    arm.strengths = std::move(at);
    arm.decode = true;
    return arm;
  };
  std::vector<Arm> arms{arm_of("suppress /" + options.phone + "/", Arm::Role::tested,
                               {on_features(Action::ablate, features, 1)}, strengths)};
  const eval::Pca pca = site_pca(store);
  add_controls(arms, 0, {strongest}, controls, options.phone_control_every, scales, store.d(),
               dose.seed, &pca);
  arms.push_back(arm_of("difference of means, same rows and dose", Arm::Role::rival,
                        arms[0].operators, {strongest}));
  for (const float v : found.direction) arms.back().redirect.push_back(-v);
  arms.push_back(
      arm_of("probe, same rows and dose", Arm::Role::rival, arms[0].operators, {strongest}));
  arms.back().redirect = probe_direction(pca, found.direction);
  for (float& v : arms.back().redirect) v = -v;
  Operator local = on_features(Action::ablate, features, 1);
  for (size_t i = 0; i < choice.clips.size(); ++i)
    if (const audio::ClipLabels* clip = labels_of(labels, index, choice.clips[i].clip.id))
      if (const audio::Track* track = clip->find(audio::LabelKind::phone))
        local.where.ranges[static_cast<int64_t>(i)] = frames_of(*track, options.phone);
  arms.push_back(arm_of("suppress, in the phone's frames", Arm::Role::rival, {local}, {strongest}));
  if (!options.swap.empty()) {
    const PhoneFeatures other =
        phone_features(sae, store, labels, options.swap, options.phone_language, 60000, progress);
    Operator exchange;
    exchange.action = Action::exchange;
    exchange.strength = 1;
    std::set<int32_t> taken(features.begin(), features.end());
    size_t next = 0;
    for (const int32_t f : features) {
      while (next < other.features.size() && taken.contains(other.features[next])) ++next;
      if (next == other.features.size()) break;
      const int32_t partner = other.features[next++];
      const std::vector<float> units = scales.p99_of({f, partner});
      if (!(units[0] > 0) || !(units[1] > 0)) continue;
      exchange.features.insert(exchange.features.end(), {f, partner});
      exchange.units.insert(exchange.units.end(), units.begin(), units.end());
    }
    if (!exchange.features.empty())
      arms.push_back(
          arm_of("exchange with /" + options.swap + "/", Arm::Role::rival, {exchange}, {1.0}));
  }
  const DoseRun run =
      run_doses(model, tokenizer, choice, site, &sae, arms, *target, dose, progress);
  OrderedJson json = dose_json(run, arms, choice, *target, dose);
  json["phone"] = {
      {"phone", options.phone},
      {"language", options.phone_language},
      {"features", features},
      {"f1", std::vector<double>(found.f1.begin(), found.f1.begin() + k)},
      {"precision", std::vector<double>(found.precision.begin(), found.precision.begin() + k)},
      {"recall", std::vector<double>(found.recall.begin(), found.recall.begin() + k)},
      {"train_rows", found.rows},
      {"train_phone_rows", found.phone_rows},
      {"clips_with_words", labelled},
      {"words_with_phone", holding},
      {"other_words", others}};
  return json;
}

}  // namespace otoscope::steer
