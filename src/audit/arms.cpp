#include "audit/arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"

namespace otoscope::audit {
namespace {

constexpr size_t kChunk = 16;      // windows a file
constexpr int64_t kDoseOn = 8;     // windows that doses are made equal on
constexpr double kMostGain = 1e3;  // what hardly fires is not blown up without end

std::string identity_of(const Arm& arm, const steer::SiteSae& one) {
  std::string text =
      fmt::format("{} {} {} {:.17g} {:.17g} ", model::site_name(one.site), one.sae->hash,
                  steer::action_name(arm.op.action), arm.op.strength, arm.gain);
  for (size_t i = 0; i < arm.op.features.size(); ++i)
    text += fmt::format("{}:{:.9g} ", arm.op.features[i], arm.op.unit_of(i));
  return text + "\n";
}

std::unique_ptr<steer::SteerHook> hook_of(const model::Whisper& model, const steer::SiteSae& one,
                                          const Arm& arm) {
  steer::SteerOptions options;
  options.gain = arm.gain;
  return std::make_unique<steer::SteerHook>(model.dims(), one.site, std::vector{arm.op}, one.sae,
                                            options);
}

io::Json heard_json(const std::vector<steer::Heard>& heard) {
  io::Json list = io::Json::array();
  for (const steer::Heard& one : heard) list.push_back(io::Json(steer::to_json(one)));
  return list;
}

void append(const io::Json& list, std::vector<steer::Heard>& to) {
  for (const io::Json& one : list) to.push_back(steer::heard_of(one, "heard"));
}

}  // namespace

ArmRun Laboratory::run(std::span<const steer::SoundWindow> windows, std::span<const Arm> arms,
                       bool clean, const std::string& task) const {
  std::vector<std::unique_ptr<steer::SteerHook>> hooks;
  std::vector<steer::Edited> edits;
  std::string what = model.hash() + (model.precision() == Precision::bf16 ? " bf16 " : " f32 ") +
                     hear.language + fmt::format(" {} {} {}\n", hear.sample_len, hear.batch, clean);
  for (const Arm& arm : arms) {
    const steer::SiteSae& one = saes[arm.sae];
    hooks.push_back(hook_of(model, one, arm));
    std::optional<model::Site> resume;
    if (one.site.stack == model::Stack::encoder) resume = one.site;
    edits.push_back({arm.name, resume, {hooks.back().get()}});
    what += identity_of(arm, one);
  }
  ArmRun run;
  run.heard.resize(arms.size());
  std::vector<steer::Dose> doses(arms.size());
  progress.start(task, static_cast<int64_t>(windows.size()), "windows");
  for (size_t first = 0; first < windows.size(); first += kChunk) {
    const auto some = windows.subspan(first, std::min(kChunk, windows.size() - first));
    std::string identity = what + steer::identity_of(some);
    for (const steer::SoundWindow& window : some) identity += window.speech ? "s" : "-";
    const io::Json kept = steer::remembered(cache, "arms", identity, [&] {
      std::vector<std::vector<steer::Heard>> heard(arms.size());
      std::vector<steer::Heard> plain;
      for (const auto& hook : hooks) hook->reset_dose();
      steer::run_edits(model, tokenizer, some, edits, clean, hear, task, silent_progress(),
                       [&](int64_t e, int64_t, const std::vector<steer::Heard>& batch) {
                         auto& to = e < 0 ? plain : heard[static_cast<size_t>(e)];
                         to.insert(to.end(), batch.begin(), batch.end());
                       });
      io::Json made{
          {"clean", heard_json(plain)}, {"arms", io::Json::array()}, {"doses", io::Json::array()}};
      for (size_t a = 0; a < arms.size(); ++a) {
        made["arms"].push_back(heard_json(heard[a]));
        made["doses"].push_back({hooks[a]->dose().sum, hooks[a]->dose().norms});
      }
      return made;
    });
    append(kept.at("clean"), run.clean);
    for (size_t a = 0; a < arms.size(); ++a) {
      append(kept.at("arms").at(a), run.heard[a]);
      doses[a].sum += kept.at("doses").at(a).at(0).get<double>();
      doses[a].norms += kept.at("doses").at(a).at(1).get<double>();
    }
    progress.advance(static_cast<int64_t>(first + some.size()));
  }
  progress.finish();
  for (const steer::Dose& dose : doses) run.dose.push_back(dose.relative());
  for (const auto& heard : run.heard) OTO_ASSERT(heard.size() == windows.size());
  return run;
}

std::vector<Arm> Laboratory::equal_doses(std::span<const steer::SoundWindow> windows,
                                         const Arm& target, std::span<const Arm> others,
                                         size_t most) const {
  const model::Site& site = saes[target.sae].site;
  const steer::HeardBatch batch = steer::load_batch(
      windows, 0, std::min<int64_t>(kDoseOn, static_cast<int64_t>(windows.size())), model.dims());
  const bool encoder = site.stack == model::Stack::encoder;
  model::Recorder recorder({site});
  model::Hook* hook = &recorder;
  const Tensor<float> audio = encoder ? model.encode(batch.mel, batch.rows(), {&hook, 1}, site)
                                      : model.encode(batch.mel, batch.rows());
  steer::HearOptions before_text = hear;
  before_text.sample_len = 2;  // the prompt and the first timestamp are read
  const auto dose_of = [&](const Arm& arm) {
    const auto edit = hook_of(model, saes[arm.sae], arm);
    if (encoder) {
      Tensor<float> x = recorder.last(site).clone();
      model::Rows rows = batch.rows();
      rows.T = x.shape()[1];
      edit->replace(site, rows, x);
    } else {
      model::Hook* one = edit.get();
      steer::decode_batch(model, tokenizer, batch, audio, before_text, {&one, 1});
    }
    return edit->dose().relative();
  };
  const double wanted = dose_of(target);
  std::vector<Arm> equal;
  for (const Arm& other : others) {
    OTO_ASSERT(other.sae == target.sae);
    if (equal.size() == most) break;
    const double dose = dose_of(other);
    if (!(dose > 0 && wanted > 0 && wanted <= kMostGain * dose)) continue;
    equal.push_back(other);
    equal.back().gain = wanted / dose;
  }
  return equal;
}

}  // namespace otoscope::audit
