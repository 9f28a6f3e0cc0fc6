#include <algorithm>
#include <cmath>
#include <optional>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/steer/dose.h"
#include "steer/dose/judge.h"

namespace otoscope::steer {
namespace {

using model::Point;
using model::Site;
using model::Stack;

std::vector<Operator> at_strength(const Arm& arm, double s) {
  if (s == 0) return {};
  std::vector<Operator> operators = arm.operators;
  for (Operator& op : operators)
    op.strength = op.action == Action::scale ? 1 + s * (op.strength - 1) : s * op.strength;
  return operators;
}

/// What the clean model left of each clip.
struct CleanClip {
  Tensor<float> site;    // (1, positions, width) of an encoder site that a forward can resume at
  Tensor<float> mel;     // of any other encoder site
  Tensor<float> audio;   // encoder output: decoder sites start from it
  Tensor<float> logits;  // teacher-forced
  int32_t valid = 0;
};

class Runner {
 public:
  Runner(const model::Whisper& model, const model::Tokenizer& tokenizer,
         const eval::ClipChoice& choice, const Site& site, const sae::Sae* sae,
         std::span<const Arm> arms, const Target& target, const DoseOptions& options,
         Progress& progress)
      : model_(model),
        choice_(choice),
        site_(site),
        sae_(sae),
        arms_(arms),
        options_(options),
        progress_(progress),
        judge_(model, tokenizer, target, options),
        clean_(choice.clips.size()) {}

  DoseRun run() {
    DoseRun run;
    run.clean.resize(clean_.size());
    run_clean(run.clean);
    int64_t total = 0, done = 0;
    for (const Arm& arm : arms_) total += static_cast<int64_t>(arm.strengths.size());
    progress_.start("steering", total, "doses");
    for (size_t a = 0; a < arms_.size(); ++a) {
      run.arms.emplace_back();
      for (const double s : arms_[a].strengths) {
        run.arms.back().push_back(respond(arms_[a], s, run));
        progress_.advance(++done, arms_[a].name);
      }
    }
    progress_.finish();
    return run;
  }

 private:
  size_t size() const { return clean_.size(); }

  void run_clean(std::vector<Outcome>& outcomes) {
    const bool decodes =
        std::any_of(arms_.begin(), arms_.end(), [](const Arm& arm) { return arm.decode; });
    const bool resume = model::can_resume_at(site_), encoder = site_.stack == Stack::encoder;
    progress_.start("the clean model", static_cast<int64_t>(size()), "clips");
    for (size_t first = 0; first < size(); first += static_cast<size_t>(options_.batch)) {
      throw_if_interrupted();
      const size_t n = std::min(static_cast<size_t>(options_.batch), size() - first);
      eval::ClipBatch batch =
          eval::load_clips(choice_.clips, static_cast<int64_t>(first), static_cast<int64_t>(n),
                           model_.dims(), options_.padding);
      model::Rows rows;
      rows.B = static_cast<int64_t>(n);
      rows.item = batch.item;
      rows.valid = batch.valid;
      model::Recorder recorder({site_});
      model::Hook* hook = &recorder;
      const Tensor<float> audio =
          model_.encode(batch.mel, rows, resume ? model::Hooks(&hook, 1) : model::Hooks{});
      const auto clips = std::span(choice_.clips).subspan(first, n);
      const auto logits = judge_.forced(clips, batch.item, audio, {});
      for (size_t i = 0; i < n; ++i) {
        CleanClip& kept = clean_[first + i];
        const auto b = static_cast<int64_t>(i);
        kept.valid = batch.valid[i];
        if (resume)
          kept.site = one(recorder.last(site_), b);
        else if (encoder)
          kept.mel = one(batch.mel, b);
        else
          kept.audio = one(audio, b);
        kept.logits = logits[i].clone();
        judge_.judge(clips[i], kept.logits, kept.logits, outcomes[first + i]);
      }
      if (decodes)
        judge_.decode(clips, batch.item, audio, {}, options_.language,
                      std::span(outcomes).subspan(first, n));
      progress_.advance(static_cast<int64_t>(first + n));
    }
    progress_.finish();
  }

  static Tensor<float> one(const Tensor<float>& batch, int64_t b) {
    return Tensor<float>::copy_of(batch.view().slice(b, b + 1));
  }

  /// Clips first, first + every, … as a batch.
  struct Part {
    std::vector<eval::SplicedClip> clips;
    std::vector<int64_t> items;
    std::vector<int32_t> valid;
    std::vector<size_t> at;
    model::Rows rows() const {
      model::Rows r;
      r.B = static_cast<int64_t>(items.size());
      r.item = items;
      r.valid = valid;
      return r;
    }
  };
  Part part_of(size_t first, int every) const {
    Part part;
    for (size_t i = first; i < size() && part.at.size() < static_cast<size_t>(options_.batch);
         i += static_cast<size_t>(every)) {
      part.clips.push_back(choice_.clips[i]);
      part.items.push_back(static_cast<int64_t>(i));
      part.valid.push_back(clean_[i].valid);
      part.at.push_back(i);
    }
    return part;
  }
  Tensor<float> gathered(const Part& part, Tensor<float> CleanClip::*field) const {
    const Tensor<float>& sample = clean_[part.at[0]].*field;
    auto all = Tensor<float>::uninitialized(
        {static_cast<int64_t>(part.at.size()), sample.shape()[1], sample.shape()[2]});
    for (size_t i = 0; i < part.at.size(); ++i) {
      const Tensor<float>& from = clean_[part.at[i]].*field;
      std::copy_n(from.data(), from.size(), all.view().sub(static_cast<int64_t>(i)).data);
    }
    return all;
  }

  SteerHook hook_of(const Arm& arm, double s, double gain) const {
    SteerOptions options;
    options.redirect = arm.redirect;
    options.gain = gain;
    return SteerHook(model_.dims(), site_, at_strength(arm, s), sae_, options);
  }

  /// The dose of an arm on the clips of another, without running what follows the site.
  Dose dry_dose(const Arm& arm, double s, int every) const {
    SteerHook hook = hook_of(arm, s, 1);
    for (size_t i = 0; i < size(); i += static_cast<size_t>(every)) {
      const auto item = static_cast<int64_t>(i);
      model::Rows rows;
      rows.B = 1;
      rows.item = {&item, 1};
      rows.valid = {&clean_[i].valid, 1};
      model::Hook* hooks = &hook;
      if (!clean_[i].site.empty()) {
        Tensor<float> x = clean_[i].site.clone();
        rows.T = x.shape()[1];
        hook.replace(site_, rows, x);
      } else if (!clean_[i].mel.empty()) {
        model_.encode(clean_[i].mel, rows, {&hooks, 1}, site_);
      } else {
        judge_.forced(std::span(&choice_.clips[i], 1), {&item, 1}, clean_[i].audio, {&hooks, 1});
      }
    }
    return hook.dose();
  }

  double gain_of(const Arm& arm, double s) const {
    if (arm.match < 0 || s == 0) return 1;
    OTO_ASSERT(static_cast<size_t>(arm.match) < arms_.size());
    const Dose own = dry_dose(arm, s, arm.every);
    const Dose other = dry_dose(arms_[static_cast<size_t>(arm.match)], s, arm.every);
    return own.sum > 0 ? other.sum / own.sum : 1;
  }

  Response respond(const Arm& arm, double s, const DoseRun& run) const {
    Response response;
    response.strength = s;
    response.clips.resize(size());
    const std::string& language = arm.language.empty() ? options_.language : arm.language;
    if (s == 0 && language == options_.language) {  // the clean model
      for (size_t i = 0; i < size(); i += static_cast<size_t>(arm.every))
        response.clips[i] = run.clean[i];
      return response;
    }
    response.gain = gain_of(arm, s);
    SteerHook hook = hook_of(arm, s, response.gain);
    model::Hook* hooks = &hook;
    const auto stride = static_cast<size_t>(arm.every) * static_cast<size_t>(options_.batch);
    for (size_t first = 0; first < size(); first += stride) {
      throw_if_interrupted();
      const Part part = part_of(first, arm.every);
      Tensor<float> audio;
      model::Hooks later;  // hooks of the decoder
      if (site_.stack == Stack::decoder) {
        audio = gathered(part, &CleanClip::audio);
        later = {&hooks, 1};
      } else if (model::can_resume_at(site_)) {
        audio =
            model_.encode_from(site_, gathered(part, &CleanClip::site), part.rows(), {&hooks, 1});
      } else {
        audio = model_.encode(gathered(part, &CleanClip::mel), part.rows(), {&hooks, 1});
      }
      const auto logits = judge_.forced(part.clips, part.items, audio, later);
      std::vector<Outcome> outcomes(part.at.size());
      for (size_t i = 0; i < part.at.size(); ++i)
        judge_.judge(part.clips[i], clean_[part.at[i]].logits, logits[i], outcomes[i]);
      response.dose = hook.dose();
      if (arm.decode) {
        judge_.decode(part.clips, part.items, audio, later, language, outcomes);
        hook.set_dose(response.dose);  // each row counts once
      }
      for (size_t i = 0; i < part.at.size(); ++i)
        response.clips[part.at[i]] = std::move(outcomes[i]);
    }
    return response;
  }

  const model::Whisper& model_;
  const eval::ClipChoice& choice_;
  Site site_;
  const sae::Sae* sae_;
  std::span<const Arm> arms_;
  const DoseOptions& options_;
  Progress& progress_;
  Judge judge_;
  std::vector<CleanClip> clean_;
};

void check(std::span<const Arm> arms, const Target& target) {
  for (const Arm& arm : arms) {
    if (arm.strengths.empty()) throw UserError(arm.name, "expected strengths, got none");
    for (const double s : arm.strengths)
      if (!std::isfinite(s)) throw UserError(arm.name, "expected strengths that are finite");
    if (arm.every < 1) throw UserError(arm.name, "expected every how many-th clip, at least 1");
    if (target.decodes() && !arm.decode)
      throw UserError(arm.name, target.name() + " needs free decoding",
                      "decode this arm too, or choose a teacher-forced target");
  }
}

}  // namespace

DoseRun run_doses(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  const eval::ClipChoice& choice, const Site& site, const sae::Sae* sae,
                  std::span<const Arm> arms, const Target& target, const DoseOptions& options,
                  Progress& progress) {
  check(arms, target);
  return Runner(model, tokenizer, choice, site, sae, arms, target, options, progress).run();
}

}  // namespace otoscope::steer
