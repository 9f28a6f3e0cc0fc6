#include "otoscope/contexts/transform.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "contexts/filters.h"
#include "otoscope/audio/codec.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/labels/sounds.h"

namespace otoscope::contexts {
namespace {

struct Known {
  const char* name;
  Change change;
  double usual, low, high;
  const char* what;
};
constexpr Known kKnown[] = {
    {"telephone", Change::telephone, 0, 0, 0, "300 to 3,400 Hz at 8 kHz"},
    {"opus", Change::opus, 24, 6, 256, "through Opus, kbit/s"},
    {"mp3", Change::mp3, 32, 8, 160, "through MP3, kbit/s"},
    {"g722", Change::g722, 0, 0, 0, "through G.722, 64 kbit/s"},
    {"reverb", Change::reverb, .5, .05, 10, "reverberation, s to fall by 60 dB"},
    {"noise", Change::noise, 10, -40, 80, "noise, dB below speech"},
    {"far", Change::far, .6, .05, 10, "a distant microphone, s of reverberation"},
    {"clip", Change::clip, 12, 0, 60, "clipped, dB over what can be held"},
    {"speed", Change::speed, 1.1, .5, 2, "faster by a factor, pitch and time both"},
    {"gain", Change::gain, -6, -80, 40, "louder, dB"}};
constexpr int kTelephoneTaps = 401;
constexpr double kFarLoss = -12, kFarDirect = -6, kFarSnr = 15, kFarHighest = 6000;

const Known& known(Change change) {
  for (const Known& one : kKnown)
    if (one.change == change) return one;
  OTO_ASSERT(false);
}

float times(double db) { return static_cast<float>(std::pow(10.0, db / 20)); }

void scale(std::vector<float>& pcm, float factor) {
  for (float& x : pcm) x *= factor;
}

/// 8 kHz holds nothing above 4 kHz: every second sample is dropped, then put in again.
std::vector<float> telephone(std::span<const float> pcm) {
  const auto band = band_pass(300, 3400, kTelephoneTaps);
  std::vector<float> out = filtered(pcm, band);
  for (size_t i = 1; i < out.size(); i += 2) out[i] = 0;
  scale(out, 2);
  return filtered(out, band);
}

/// Power falls with frequency, 3 dB an octave (Kellet's filter, "pk3").
std::vector<float> pink_noise(size_t n, Rng& rng) {
  std::vector<float> out(n);
  double b[6] = {};
  constexpr double kPole[6] = {.99886, .99332, .96900, .86650, .55000, -.7616};
  constexpr double kGain[6] = {.0555179, .0750759, .1538520, .3104856, .5329522, -.0168980};
  for (float& x : out) {
    const double white = rng.normal();
    double sum = .5362 * white;
    for (int k = 0; k < 6; ++k) {
      b[k] = kPole[k] * b[k] + kGain[k] * white;
      sum += b[k];
    }
    x = static_cast<float>(sum * .05);
  }
  return out;
}

std::vector<float> clipped(std::span<const float> pcm, double over_db) {
  std::vector<float> out(pcm.begin(), pcm.end());
  float peak = 0;
  for (const float x : out) peak = std::max(peak, std::fabs(x));
  const float ceiling = peak * times(-over_db);
  for (float& x : out) x = std::clamp(x, -ceiling, ceiling);
  scale(out, times(over_db));  // as loud as before where it fits
  return out;
}

/// The tail alone is what reverberation adds.
std::vector<float> far_field(std::span<const float> pcm, double rt60_s, Rng& rng) {
  std::vector<float> dry(pcm.begin(), pcm.end());
  scale(dry, times(kFarLoss));  // first: what follows must not meet full scale
  std::vector<float> out = labels::reverberated(dry, rt60_s, rng);
  for (size_t i = 0; i < out.size(); ++i) out[i] -= (1 - times(kFarDirect)) * dry[i];
  out = filtered(out, band_pass(0, kFarHighest, 101));
  return labels::mixed_at_snr(out, pink_noise(pcm.size(), rng), kFarSnr, rng);
}

std::vector<float> changed(std::span<const float> pcm, const Step& step, Rng& rng,
                           std::span<const float> sounds) {
  const auto kilobits = static_cast<int>(step.amount);
  switch (step.change) {
    case Change::telephone:
      return telephone(pcm);
    case Change::opus:
      return audio::through_codec(pcm, "opus", kilobits);
    case Change::mp3:
      return audio::through_codec(pcm, "mp3", kilobits);
    case Change::g722:
      return audio::through_codec(pcm, "g722");
    case Change::reverb:
      return labels::reverberated(pcm, step.amount, rng);
    case Change::noise: {
      if (!sounds.empty()) return labels::mixed_at_snr(pcm, sounds, step.amount, rng);
      return labels::mixed_at_snr(pcm, pink_noise(pcm.size(), rng), step.amount, rng);
    }
    case Change::far:
      return far_field(pcm, step.amount, rng);
    case Change::clip:
      return clipped(pcm, step.amount);
    case Change::speed:
      return faster(pcm, step.amount);
    case Change::gain:
      break;
  }
  std::vector<float> out(pcm.begin(), pcm.end());
  scale(out, times(step.amount));
  return out;
}

}  // namespace

Step parse_step(std::string_view text, std::string_view where) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  for (const Known& one : kKnown) {
    if (name != one.name) continue;
    if (equals == text.npos) return {one.change, one.usual};
    const std::string_view amount = text.substr(equals + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), value);
    if (error != std::errc() || end != amount.data() + amount.size() ||
        !(value >= one.low && value <= one.high) || one.low == one.high)
      throw UserError(where, one.low == one.high
                                 ? fmt::format("expected {} without an amount, got {}", name, text)
                                 : fmt::format("expected {}={:g} to {:g}, got {}", name, one.low,
                                               one.high, text));
    return {one.change, value};
  }
  std::vector<std::string> names;
  for (const Known& one : kKnown) names.emplace_back(one.name);
  throw UserError(where, fmt::format("expected a transform, got {}", text),
                  "did you mean " + nearest_names(std::string(name), names, 1)[0] + "?");
}

std::string step_text(const Step& step) {
  const Known& one = known(step.change);
  return one.low == one.high ? one.name : fmt::format("{}={:g}", one.name, step.amount);
}

std::string transforms_text() {
  std::string text;
  for (const Known& one : kKnown)
    text += fmt::format("{}{}: {}\n", one.name,
                        one.low == one.high ? "" : fmt::format("={:g}", one.usual), one.what);
  return text;
}

std::vector<float> transformed(std::span<const float> pcm, std::span<const Step> steps, Rng& rng,
                               std::span<const float> sounds) {
  std::vector<float> out(pcm.begin(), pcm.end());
  for (const Step& step : steps) out = changed(out, step, rng, sounds);
  return out;
}

}  // namespace otoscope::contexts
