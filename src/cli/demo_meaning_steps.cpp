#include "cli/demo_meaning_steps.h"

namespace otoscope::cli {
namespace {

constexpr const char* kNeurons = "encoder.blocks.3.mlp_post";

std::string finding(const DemoFolders& folders, const std::string& name) {
  return (folders.out / "findings" / (name + ".json")).string();
}

/// English to Spanish and back is the pair of one speaker.
DemoStep steer_step(const DemoFolders& folders, const std::string& from, const std::string& toward,
                    std::vector<std::string> more) {
  const std::string name = "steer-" + from + "-" + toward;
  DemoStep step{name,
                "move what is written from " + from + " to " + toward,
                {"steer", kDemoModel, "--sae", folders.batch.string(), "--activations",
                 (folders.activations / kDemoOut).string(), "--data", kDemoData, "--from", from,
                 "--toward", toward, "--precision", "bf16", "--out", finding(folders, name)},
                finding(folders, name)};
  step.words.insert(step.words.end(), more.begin(), more.end());
  return step;
}

}  // namespace

std::vector<DemoStep> meaning_steps(const DemoFolders& folders) {
  const std::string out = (folders.activations / kDemoOut).string(),
                    some = (folders.out / "neurons").string(),
                    labels = (folders.labels / "labels.jsonl").string();
  return {
      {"crosslingual",
       "do features mean the same in two languages?",
       {"crosslingual", "--sae", folders.batch.string(), "--activations", out, "--labels", labels,
        "--control", "frozen=" + folders.frozen.string(), "--out",
        finding(folders, "crosslingual")},
       finding(folders, "crosslingual")},
      {"neurons",
       "neurons of some clips, with the stream after them",
       {"extract", "--model", kDemoModel, "--site", kNeurons, "--site", kDemoMiddle, "--data",
        kDemoData, "--with-text", "--pack", "--limit", "600", "--out", some}},
      {"decompose",
       "are features purer than neurons?",
       {"decompose", "--sae", folders.middle.string(), "--activations", some + "/" + kDemoMiddle,
        "--neurons", some + "/" + kNeurons, "--model", kDemoModel, "--labels", labels, "--out",
        finding(folders, "decompose")},
       finding(folders, "decompose")},
      steer_step(folders, "en", "es", {"--clips", "24", "--dev-clips", "12", "--controls", "20"}),
      {"suppress",
       "text where nobody speaks, and a recipe against it",
       {"suppress", "--model", kDemoModel, "--sae", folders.batch.string(), "--sae",
        folders.middle.string(), "--quick", "--out", (folders.out / "suppress").string()},
       (folders.out / "suppress" / "suppress.json").string()},
  };
}

std::vector<DemoStep> full_steps(const DemoFolders& folders) {
  const std::string out = (folders.activations / kDemoOut).string(),
                    seeds = (folders.out / "seeds").string(),
                    labels = (folders.labels / "labels.jsonl").string();
  std::vector<DemoStep> steps;
  std::string all = folders.batch.string();
  // Two that differ in everything, then one that differs in either alone.
  for (const auto& [init, data] : {std::pair("1", "1"), {"2", "2"}, {"3", "0"}, {"0", "3"}}) {
    steps.push_back(
        {std::string("train-seeds-") + init + "-" + data,
         std::string("the same SAE with seeds ") + init + " and " + data,
         {"train", "--activations", out, "--out", seeds, "--arch", "batchtopk", "--k", "32",
          "--expansion", "8", "--steps", "1000", "--seed-init", init, "--seed-data", data},
         ""});
    const auto suffix = [](const char* letter, const std::string& seed) {
      return seed == "0" ? std::string() : std::string("-") + letter + seed;
    };
    all += "," + seeds + "/batchtopk-4096-k32" + suffix("s", init) + suffix("d", data);
  }
  steps.push_back({"stability",
                   "do other seeds find the same features?",
                   {"stability", "--sae", all, "--control", "frozen=" + folders.frozen.string(),
                    "--control", "shuffled=" + folders.shuffled_sae.string(),
                    "--control-activations", "shuffled=" + (folders.shuffled / kDemoOut).string(),
                    "--activations", out, "--out", finding(folders, "stability")},
                   finding(folders, "stability")});
  for (const auto& [from, toward] :
       {std::pair("es", "en"), {"en", "fr"}, {"fr", "en"}, {"es", "it"}, {"it", "es"}})
    steps.push_back(steer_step(folders, from, toward, {}));
  steps.push_back({"steer-phone",
                   "suppress a phone, and exchange it for another",
                   {"steer", kDemoModel, "--sae", folders.batch.string(), "--activations", out,
                    "--data", kDemoData, "--phone", "s", "--swap", "f", "--labels", labels,
                    "--precision", "bf16", "--out", finding(folders, "steer-phone")},
                   finding(folders, "steer-phone")});
  const std::string heard = (folders.out / "suppress-full").string();
  steps.push_back({"suppress-full",
                   "text where nobody speaks, on all sounds and all speech",
                   {"suppress", "--model", kDemoModel, "--sae", folders.batch.string(), "--sae",
                    folders.middle.string(), "--out", heard},
                   heard + "/suppress.json"});
  return steps;
}

}  // namespace otoscope::cli
