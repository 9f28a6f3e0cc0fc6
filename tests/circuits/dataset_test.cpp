#include "otoscope/circuits/dataset.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "circuits/nano_circuit.h"
#include "otoscope/io/file.h"
#include "support/errors.h"
#include "support/tone.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;

namespace {

sae::Sae stream_sae(const char* site = "encoder.blocks.0.resid_post") {
  sae::Sae sae = nano_transcoder(model::Stack::encoder, 0);
  sae.site = site;
  sae.target_site.clear();
  return sae;
}

std::vector<AttributionClip> clips(int count, int64_t first_item) {
  std::vector<AttributionClip> out;
  for (int i = 0; i < count; ++i) {
    const NanoClip clip = nano_clip((first_item + i) % 2);
    AttributionClip one;
    one.mel = Tensor<float>::copy_of(clip.mel.view().sub(0));
    one.frames = 40 + 20 * i;
    one.tokens.assign(clip.tokens.data(), clip.tokens.data() + 5);
    one.metric = logit_margin("margin", 4, {7}, {9});
    one.cluster = std::to_string(i);
    out.push_back(std::move(one));
  }
  return out;
}

DatasetOptions few() {
  DatasetOptions options;
  options.size = 6, options.steps = 3, options.draws = 3, options.removed = 2;
  return options;
}

}  // namespace

TEST_CASE("a data set's circuit is chosen on some clips, tested on others and traced again") {
  std::vector<sae::Sae> saes;
  saes.push_back(stream_sae());
  saes.push_back(stream_sae());  // the same SAE as its own other seed
  const auto choose = clips(3, 0), test = clips(2, 1);
  const DatasetCircuit circuit = find_circuit(nano(), saes, choose, test, few(), 1);
  CHECK(circuit.chosen_on == 3);
  CHECK(circuit.tested_on == 2);
  REQUIRE(circuit.sites.size() == 1);
  const DatasetSite& site = circuit.sites[0];
  CHECK(site.circuit.size() == 6);
  CHECK(site.removed.size() == 2);
  CHECK(site.checks.draws == 3);
  // What is foretold of all features at once is near what happens.
  CHECK(site.predicted == doctest::Approx(site.measured).epsilon(0.3));
  // Removing the strongest feature of the circuit does what it foretells, roughly and in sign.
  CHECK(site.removed[0].first == site.circuit[0].feature);
  CHECK((site.removed[0].second.value > 0) == (site.circuit[0].effect.value > 0));
  // Beside them random ones: of no circuit, in another order.
  CHECK(site.removed_at_random.size() == 2);
  for (const auto& [feature, change] : site.removed_at_random)
    for (const FeatureEffect& one : site.circuit) CHECK(one.feature != feature);
  REQUIRE(site.again.size() == 4);
  CHECK(site.again[0].first == "reference zero");
  CHECK(site.again[3].first.starts_with("SAE"));
  CHECK(site.again[3].second == doctest::Approx(1));
  for (const auto& again : site.again) {
    CAPTURE(again.first);
    CHECK(again.second >= 0);
    CHECK(again.second <= 1);
  }
  const nlohmann::ordered_json json = to_json(circuit, few());
  CHECK(json["schema"] == "otoscope.dataset-circuit");
  CHECK(json["sites"][0]["circuit"].size() == 6);
  CHECK(json["sites"][0]["removed_at_random"].size() == 2);
  // Shares of an effect that may be none say nothing: it stands beside them.
  const auto& checks = json["sites"][0]["checks"];
  CHECK(checks["effect"]["value"].get<double>() ==
        doctest::Approx(checks["metric"]["value"].get<double>() -
                        checks["metric_without_features"]["value"].get<double>()));
}

TEST_CASE("clusters are those of the corpus, also of a few of its clips") {
  const TemporaryFolder folder;
  io::write_file(folder.path() / "tone.wav", otoscope::testing::tone());
  std::vector<store::Clip> some(2);
  for (size_t i = 0; i < some.size(); ++i) {
    some[i].path = folder.path() / "tone.wav", some[i].speech = true;
    some[i].speaker = "anna", some[i].prompt_id = std::to_string(i);
  }
  const auto cluster = [&](size_t i, bool by_speaker) {
    return attribution_clips(nano(), nano_tokenizer(), some, by_speaker, "text")[i].cluster;
  };
  CHECK(cluster(0, false) != cluster(1, false));
  CHECK(cluster(0, true) == "anna");
  CHECK(cluster(1, true) == "anna");
}

TEST_CASE("features of an unrelated SAE match nothing") {
  std::vector<sae::Sae> saes;
  saes.push_back(stream_sae());
  saes.push_back(stream_sae());
  Rng rng(99, "other");
  for (float& v : saes[1].W_dec.view().span()) v = static_cast<float>(0.05 * rng.normal());
  const DatasetCircuit circuit = find_circuit(nano(), saes, clips(2, 0), clips(2, 1), few(), 1);
  CHECK(circuit.sites[0].again[3].second == 0);
}

TEST_CASE("sites are circuits of their own, and too few clips are refused") {
  std::vector<sae::Sae> saes;
  saes.push_back(stream_sae());
  saes.push_back(stream_sae("encoder.out"));
  const DatasetCircuit circuit = find_circuit(nano(), saes, clips(2, 0), clips(2, 1), few(), 1);
  REQUIRE(circuit.sites.size() == 2);
  CHECK(circuit.sites[1].site == "encoder.out");
  CHECK(error_of([&] {
          find_circuit(nano(), saes, clips(1, 0), clips(2, 1), few(), 1);
        }).starts_with("[--over] expected at least 2 clips"));
}
