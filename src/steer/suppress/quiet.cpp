#include "steer/suppress/quiet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/model/resume.h"

namespace otoscope::steer {
namespace {

constexpr int kTellingTokens = 4;

/// Keeps the state after the first timestamp and the last state of every item.
class States : public model::Hook {
 public:
  explicit States(const model::Site& site) : site_(site) {}
  model::Want ask(const model::Site& site) override {
    return site == site_ ? model::Want::observe : model::Want::none;
  }
  void observe(const model::Site&, const model::Rows& rows, View<const float> x) override {
    for (int64_t b = 0; b < x.shape[0]; ++b) {
      const View<const float> entry = x.sub(b);
      const float* row = entry.row(entry.rows() - 1);
      const std::vector<float> state(row, row + entry.width());
      if (rows.step == 1) first.push_back(state);
      last[rows.item[static_cast<size_t>(b)]] = state;
    }
  }
  std::vector<std::vector<float>> first;
  std::map<int64_t, std::vector<float>> last;

 private:
  model::Site site_;
};

double norm_of(const std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum);
}

void listen_to(const model::Whisper& model, const model::Tokenizer& tokenizer,
               std::span<const SoundWindow> windows, const HearOptions& hear, States& states) {
  model::Hook* hook = &states;
  const auto n = static_cast<int64_t>(windows.size());
  for (int64_t first = 0; first < n; first += hear.batch) {
    const HeardBatch batch =
        load_batch(windows, first, std::min<int64_t>(hear.batch, n - first), model.dims());
    const Tensor<float> audio = model.encode(batch.mel, batch.rows());
    decode_batch(model, tokenizer, batch, audio, hear, {&hook, 1});
  }
}

int64_t count_wrote(const std::vector<Heard>& heard) {
  return std::count_if(heard.begin(), heard.end(), [](const Heard& h) { return h.wrote(); });
}

}  // namespace

model::Site end_site(const model::Whisper& model) {
  return {model::Stack::decoder, model::Point::resid_post, model.dims().n_text_layer - 1};
}

EndDirection find_end(const model::Whisper& model, const model::Tokenizer& tokenizer,
                      std::span<const SoundWindow> sounds, std::span<const SoundWindow> speech,
                      const HearOptions& hear) {
  EndDirection end;
  end.site = end_site(model);
  States of_sounds(end.site), of_speech(end.site);
  HearOptions two = hear;
  two.sample_len = 2;  // the first timestamp, and what follows it
  listen_to(model, tokenizer, sounds, two, of_sounds);
  listen_to(model, tokenizer, speech, hear, of_speech);
  if (of_sounds.first.empty() || of_speech.last.empty())
    throw UserError("suppress",
                    "expected windows in which the decoder takes a second step, got none");
  const auto d = static_cast<size_t>(model.dims().n_text_state);
  end.v.assign(d, 0);
  for (const auto& [item, state] : of_speech.last)
    for (size_t i = 0; i < d; ++i) end.v[i] += state[i] / static_cast<float>(of_speech.last.size());
  end.unit = 0;
  for (const auto& state : of_sounds.first) {
    for (size_t i = 0; i < d; ++i)
      end.v[i] -= state[i] / static_cast<float>(of_sounds.first.size());
    end.unit += norm_of(state) / static_cast<double>(of_sounds.first.size());
  }
  end.length = norm_of(end.v);
  return end;
}

QuietEdit push(const EndDirection& end, double strength) {
  Operator op = add_direction(end.v, strength, end.unit);
  op.where.first_step = 1;
  return {fmt::format("push towards the end, {:g}", strength), end.site, {op}, nullptr};
}

TriedEdits choose_edit(const model::Whisper& model, const model::Tokenizer& tokenizer,
                       std::span<const SoundWindow> sounds, std::vector<QuietEdit> edits,
                       const HearOptions& hear, Progress& progress) {
  TriedEdits tried{std::move(edits), {}, {}, static_cast<int64_t>(sounds.size()), 0};
  std::vector<std::unique_ptr<SteerHook>> hooks;
  std::vector<Edited> list;
  for (const QuietEdit& edit : tried.edits) {
    hooks.push_back(std::make_unique<SteerHook>(model.dims(), edit.site, edit.operators, edit.sae));
    list.push_back({"", model::resume_before(edit.site), {hooks.back().get()}});
  }
  HearOptions few = hear;
  few.sample_len = kTellingTokens;
  for (const auto& heard :
       hear_edits(model, tokenizer, sounds, list, few, "edits behind the condition", progress))
    tried.wrote.push_back(count_wrote(heard));
  for (const auto& hook : hooks) tried.dose.push_back(hook->dose().relative());
  tried.chosen = static_cast<size_t>(
      std::distance(tried.wrote.begin(), std::min_element(tried.wrote.begin(), tried.wrote.end())));
  return tried;
}

std::vector<Heard> hear_quiet(const model::Whisper& model, const model::Tokenizer& tokenizer,
                              std::span<const SoundWindow> windows, std::vector<Heard> clean,
                              const std::vector<uint8_t>& acts, const Condition& condition,
                              const sae::Sae& sae, const QuietEdit& edit,
                              const std::string& identity, const HearOptions& hear,
                              const std::filesystem::path& cache, std::string_view task,
                              Progress& progress) {
  OTO_ASSERT(windows.size() == clean.size() && windows.size() == acts.size());
  std::vector<SoundWindow> some;
  std::vector<size_t> at;
  for (size_t i = 0; i < windows.size(); ++i)
    if (acts[i] != 0) some.push_back(windows[i]), at.push_back(i);
  Gate gate(condition, sae);
  SteerHook hook(model.dims(), edit.site, edit.operators, edit.sae);
  GatedHook gated(gate, hook);
  const Edited one{"", model::resume_before(condition.site), {&gate, &gated}};
  const auto heard = hear_edit(model, tokenizer, some, one, identity, hear, cache, task, progress);
  for (size_t i = 0; i < at.size(); ++i) clean[at[i]] = heard[i];
  return clean;
}

std::vector<int64_t> random_edits(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                  std::span<const SoundWindow> sounds, const QuietEdit& edit,
                                  int count, uint64_t seed, const HearOptions& hear,
                                  Progress& progress) {
  Rng rng(seed, "suppress: random edits");
  std::vector<std::unique_ptr<SteerHook>> hooks;
  std::vector<Edited> list;
  for (int c = 0; c < count; ++c) {
    SteerOptions options;
    for (int64_t i = 0; i < model::site_width(model.dims(), edit.site); ++i)
      options.redirect.push_back(static_cast<float>(rng.normal()));
    hooks.push_back(std::make_unique<SteerHook>(model.dims(), edit.site, edit.operators, edit.sae,
                                                std::move(options)));
    list.push_back({"", model::resume_before(edit.site), {hooks.back().get()}});
  }
  HearOptions few = hear;
  few.sample_len = kTellingTokens;
  std::vector<int64_t> wrote;
  for (const auto& heard :
       hear_edits(model, tokenizer, sounds, list, few, "random edits of the same size", progress))
    wrote.push_back(count_wrote(heard));
  return wrote;
}

}  // namespace otoscope::steer
