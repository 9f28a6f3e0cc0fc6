/// whisper-base on a real prompt: values and gradients at every site against openai-whisper and
/// PyTorch in fp64. Needs `models get whisper-base` and `data get prompts`.

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/io/fetch.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/model/vjp.h"
#include "support/close.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace fs = std::filesystem;

namespace {

fs::path model_path() { return io::home_folder() / "models/whisper-base"; }

bool have_parts() {
  const bool have = fs::exists(model_path() / "model.bin") &&
                    fs::exists(io::home_folder() / "data/prompts/en/followme/sorry.g722");
  if (!have)
    MESSAGE("skipped: run `otoscope models get whisper-base` and `data get prompts` first");
  return have;
}

const Whisper& base() {
  static const Whisper model = Whisper::load(model_path());
  return model;
}

Tensor<float> mel_of(const io::Json& item) {
  const fs::path file =
      io::home_folder() / "data/prompts" / (item["id"].get<std::string>() + ".g722");
  const std::vector<float> pcm = audio::decode_file(file);
  std::vector<int16_t> whole;
  for (const float v : pcm) whole.push_back(static_cast<int16_t>(std::lround(v * 32768)));
  REQUIRE(io::sha256(std::as_bytes(std::span(whole))) == item["pcm_sha256"].get<std::string>());
  Tensor<float> mel = audio::log_mel_window(pcm, 80);
  mel.reshape({1, 3000, 80});
  return mel;
}

Tensor<int64_t> tokens_of(const io::Json& item) {
  const auto& list = item["tokens"];
  Tensor<int64_t> tokens({1, static_cast<int64_t>(list.size())});
  for (size_t i = 0; i < list.size(); ++i) tokens[static_cast<int64_t>(i)] = list[i].get<int64_t>();
  return tokens;
}

/// Entries at the sampled coordinates, and the norm of the whole, within `tolerance` of what is
/// wanted; entries are judged by their size or the tensor's root mean square.
void check_sampled(View<const float> got, const io::Json& want, double tolerance) {
  double squares = 0;
  for (const float v : got.span())
    if (std::isfinite(v)) squares += static_cast<double>(v) * static_cast<double>(v);
  const double norm = want["norm"].get<double>();
  CHECK(std::abs(std::sqrt(squares) - norm) <= tolerance * norm);
  const double rms = norm / std::sqrt(static_cast<double>(got.size()));
  for (size_t i = 0; i < want["at"].size(); ++i) {
    int64_t index = 0;  // no batch axis in the golden; ours is 1
    for (size_t axis = 0; axis < want["at"][i].size(); ++axis)
      index = index * got.shape[static_cast<int>(axis) + 1] + want["at"][i][axis].get<int64_t>();
    const double value = want["value"][i].get<double>();
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(got[index]) - value) <=
          tolerance * std::max(std::abs(value), rms));
  }
}

/// Compares on the way, so that no pattern is kept.
struct Comparer : Hook {
  explicit Comparer(const io::Json& sites) : want(sites) {}
  Want ask(const Site& site) override {
    return want.contains(site_name(site)) ? Want::observe : Want::none;
  }
  void observe(const Site& site, const Rows&, View<const float> x) override {
    const std::string name = site_name(site);
    CAPTURE(name);
    check_sampled(x, want[name], site.point == Point::out ? 1e-4 : 1e-3);
    ++seen;
  }
  const io::Json& want;
  size_t seen = 0;
};

io::Json golden_sites() { return io::read_json(golden("real/base_sites.json"), int64_t{1} << 28); }

}  // namespace

TEST_CASE("whisper-base equals openai-whisper at every site") {
  if (!have_parts()) return;
  const io::Json json = golden_sites();
  for (const io::Json& item : json["items"]) {
    CAPTURE(item["id"].get<std::string>());
    const Tensor<float> mel = mel_of(item);
    check_sampled(base().encode(mel), item["encoder.out"], 1e-4);
    if (!item.contains("sites")) continue;
    Comparer comparer(item["sites"]);
    Hook* const hooks[] = {&comparer};
    const Tensor<float> audio = base().encode(mel, {}, hooks);
    base().decode_forced(audio, tokens_of(item), {}, hooks);
    CHECK(comparer.seen == item["sites"].size());
  }
}

TEST_CASE("whisper-base's gradients equal PyTorch's at every site") {
  if (!have_parts()) return;
  const io::Json json = golden_sites();
  const io::Json& item = json["items"][0];
  const Tape tape(base(), mel_of(item), tokens_of(item));
  for (const char* group : {"a", "b", "c"}) {
    const std::string read = group[0] == 'a' ? "encoder.out" : "logits";
    const Site read_site = find_site(base().dims(), read);
    Tensor<float> cotangent(tape.value(read_site).shape);
    for (const auto& entry : item["cotangents"][read])
      cotangent.view().row(entry[0].get<int64_t>())[entry[1].get<int64_t>()] +=
          entry[2].get<float>();
    const Cotangent reads[] = {{read_site, cotangent.view()}};
    const bool frozen = group[0] == 'c';
    const io::Json& want = item["gradients"][group];
    // Block by block: the patterns of all would be 1.7 GB.
    size_t compared = 0;
    for (const Stack stack : {Stack::encoder, Stack::decoder})
      for (int block = -1; block < 6; ++block) {
        std::vector<Site> writes;
        for (const Site& site : all_sites(base().dims()))
          if (site.stack == stack && site.block == block && want.contains(site_name(site)))
            writes.push_back(site);
        if (writes.empty()) continue;
        const auto got = tape.gradients(reads, writes, {frozen, frozen, frozen});
        for (size_t i = 0; i < writes.size(); ++i) {
          const std::string name = site_name(writes[i]);
          CAPTURE(group);
          CAPTURE(name);
          ++compared;
          // Autograd's entries above the diagonal belong to constants; the norm has them in it.
          if (stack == Stack::decoder && writes[i].point == Point::attn_pattern) continue;
          check_sampled(got[i], want[name], 1e-3);
        }
      }
    CHECK(compared == want.size());
  }
}
