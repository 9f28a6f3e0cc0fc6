#include "audit/arms.h"

#include <doctest/doctest.h>

#include "circuits/nano_circuit.h"
#include "otoscope/io/file.h"
#include "support/tone.h"

namespace otoscope::audit {

TEST_CASE("controls take the target's dose, and those that cannot are no controls") {
  const otoscope::testing::TemporaryFolder folder;
  io::write_file(folder.path() / "tone.wav", otoscope::testing::tone());
  std::vector<steer::SoundWindow> windows(2);
  for (steer::SoundWindow& window : windows) window.clip.path = folder.path() / "tone.wav";

  sae::Sae sae = otoscope::testing::nano_transcoder(model::Stack::encoder, 0);
  sae.site = "encoder.out", sae.target_site.clear();
  sae.b_enc[3] = -1e6F;                                               // never fires
  for (int64_t i = 0; i < sae.d(); ++i) sae.W_dec.at(4, i) *= 1e-6F;  // next to nothing
  for (const int f : {0, 1, 2, 4}) sae.b_enc[f] = 5;
  const steer::SiteSae site{model::find_site(otoscope::testing::nano().dims(), sae.site), &sae};
  const Laboratory lab{
      otoscope::testing::nano(), otoscope::testing::nano_tokenizer(), {&site, 1}, {}, folder.path(),
      silent_progress()};
  const auto taken_away = [](int32_t feature) {
    return Arm{std::to_string(feature), 0, steer::on_features(steer::Action::ablate, {feature}, 1)};
  };
  const Arm target = taken_away(0);
  const std::vector<Arm> like{taken_away(3), taken_away(1), taken_away(4), taken_away(2),
                              taken_away(0)};
  const std::vector<Arm> controls = lab.equal_doses(windows, target, like, 2);
  REQUIRE(controls.size() == 2);
  CHECK(controls[0].name == "1");
  CHECK(controls[1].name == "2");
  const std::vector<Arm> all = lab.equal_doses(windows, target, like, 9);
  REQUIRE(all.size() == 3);
  CHECK(all[2].gain == doctest::Approx(1));  // the target itself
}

}  // namespace otoscope::audit
