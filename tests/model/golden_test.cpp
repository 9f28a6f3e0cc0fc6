#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/nano.h"
#include "otoscope/io/json.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

double norm_of(View<const float> x) {
  double sum = 0;
  for (const float v : x.span())
    if (std::isfinite(v)) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

/// 1e-3 is what is promised, 1e-4 at the encoder's output. Both sides sum some hundreds of products
/// in fp32, whose rounding is about 1e-6: anything above 1e-5 is a mistake, not rounding.
constexpr double kTolerance = 1e-5;

void check_sites(const Recorder& got) {
  const auto want = io::Safetensors::open(golden("whisper_nano_sites.safetensors"));
  const auto norms = io::read_json(golden("whisper_nano_norms.json"));
  const Tensor<int64_t> rows = want.integers("encoder_rows");
  for (const std::string& name : want.names()) {
    if (name == "encoder_rows") continue;
    CAPTURE(name);
    const Site site = find_site(nano().dims(), name);
    const Tensor<float>& whole = got.last(site);
    const Tensor<float> kept = cut(whole, cut_axis(site, whole.shape().rank()), rows);
    const Tensor<float> expected = want.floats(name);
    CHECK_CLOSE(kept, expected, kTolerance);
    const double norm = norms["sites"][name]["norm"].get<double>();
    CHECK(norm_of(whole) == doctest::Approx(norm).epsilon(kTolerance));
  }
}

}  // namespace

TEST_CASE("whisper-nano equals openai-whisper at every site") {
  const NanoInput input = nano_input();
  Recorder recorder(all_sites(nano().dims()));
  Hook* const hooks[] = {&recorder};
  const Tensor<float> audio = nano().encode(input.mel, {}, hooks);
  const Tensor<float> logits = nano().decode_forced(audio, input.tokens, {}, hooks);
  check_sites(recorder);
  CHECK(same_bits(recorder.last(find_site(nano().dims(), "encoder.out")), audio));
  CHECK(same_bits(recorder.last(find_site(nano().dims(), "logits")), logits));
  for (const Site& site : all_sites(nano().dims())) {
    CAPTURE(site_name(site));
    const bool in_encoder = site.stack == Stack::encoder;
    CHECK(recorder.last(site).shape() ==
          site_shape(nano().dims(), site, 2, in_encoder ? 100 : 8,
                     in_encoder || site_name(site).find("cross") != std::string::npos ? 100 : 8));
  }
}

TEST_CASE("the CTranslate2 copy of whisper-nano is the same model") {
  const NanoInput input = nano_input();
  const Whisper copy = Whisper::load(golden("whisper_nano_ct2"));
  CHECK(copy.dims() == nano().dims());
  CHECK(copy.hash() == nano().hash());
  CHECK(same_bits(copy.encode(input.mel), nano().encode(input.mel)));
}

TEST_CASE("a sharded bf16 folder gives transformers' values") {
  const NanoInput input = nano_input();
  const Whisper pico = Whisper::load(golden("whisper_pico_sharded"));
  const auto want = io::Safetensors::open(golden("whisper_pico_expect.safetensors"));
  const Tensor<int64_t> rows = want.integers("encoder_rows");
  const Tensor<float> audio = pico.encode(input.mel), kept = cut(audio, 1, rows);
  const Tensor<float> expected = want.floats("encoder.out");
  CHECK_CLOSE(kept, expected, kTolerance);
  KvCache cache = pico.make_cache(audio, 8);
  const Tensor<float> logits = pico.decode_step(cache, input.tokens);
  const Tensor<float> expected_logits = want.floats("logits_last");
  CHECK_CLOSE(logits, expected_logits, kTolerance);
}
