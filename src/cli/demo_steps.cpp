#include "cli/demo_steps.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/demo_audit_steps.h"
#include "cli/demo_meaning_steps.h"
#include "otoscope/core/text.h"
#include "otoscope/core/version.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

// Where a test clip is put in its window for the shift test: unshifted, then three places
// (multiples of 20 ms).
constexpr const char* kShiftsMs[] = {"0", "3140", "8620", "16480"};

std::string shift_store(const std::filesystem::path& out, const char* shift, const char* site) {
  return (out / "shifted" / shift / site).string();
}

/// The four stores of one site, the unshifted one first.
std::string shift_stores(const std::filesystem::path& out, const char* site) {
  std::string list;
  for (const char* shift : kShiftsMs)
    list += (list.empty() ? "" : ",") + shift_store(out, shift, site);
  return list;
}

}  // namespace

std::vector<DemoStep> demo_steps(const std::filesystem::path& out, bool full) {
  const std::string activations = (out / "activations").string(),
                    shuffled = (out / "activations-shuffled").string();
  const std::filesystem::path sae = out / "sae", controls = sae / "controls",
                              labels = out / "labels";
  const std::string label_file = (labels / "labels.jsonl").string();
  const std::string batch = (sae / kDemoOut / "batchtopk-4096-k32").string(),
                    nested = (sae / kDemoOut / "matryoshka-4096-k32").string(),
                    wide = (sae / kDemoOut / "topk-15872-k45").string(),
                    middle = (sae / kDemoMiddle / "batchtopk-4096-k32").string(),
                    shuffled_sae = (controls / "shuffled" / "batchtopk-4096-k32").string(),
                    shuffled_middle =
                        (controls / "shuffled-middle" / "batchtopk-4096-k32").string(),
                    frozen = (controls / "frozen" / "batchtopk-4096-k32-frozen").string();
  const std::vector<std::string> grid = {"--k", "32", "--expansion", "8", "--steps", "1000"},
                                 brief = {"--arch",      "batchtopk", "--k",     "32",
                                          "--expansion", "8",         "--steps", "500"};
  const auto with = [](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };

  std::vector<DemoStep> steps = {
      {"model", "fetch the model", {"models", "get", kDemoModel}},
      {"data", "fetch the speech", {"data", "get", kDemoData}},
      {"sounds", "fetch sounds that are not speech", {"data", "get", "nonspeech"}},
      {"label",
       "who says what when: words, phones, parts of speech",
       // Cepstra alone: labels that lean on this model's encoder cannot judge its features.
       {"label", "--data", kDemoData, "--align-model=", "--out", labels.string()}},
      {"extract",
       "activations of all clips, packed",
       {"extract", "--model", kDemoModel, "--site", kDemoOut, "--site", kDemoMiddle, "--data",
        kDemoData, "--with-text", "--pack", "--out", activations}},
      {"extract-shuffled",
       "the same of the shuffled model, the control",
       {"extract", "--model", kDemoModel, "--shuffle-weights", "1", "--site", kDemoOut, "--site",
        kDemoMiddle, "--data", kDemoData, "--with-text", "--pack", "--out", shuffled}},
  };
  for (const char* shift : kShiftsMs)
    steps.push_back({std::string("shift-") + shift,
                     std::string("test clips alone in a window, ") + shift + " ms in",
                     {"extract", "--model", kDemoModel, "--site", kDemoOut, "--site", kDemoMiddle,
                      "--data", kDemoData, "--with-text", "--split", "test", "--limit", "48",
                      "--shift-ms", shift, "--out", (out / "shifted" / shift).string()}});
  const std::vector<DemoStep> rest = {
      {"train", "two sparse autoencoders on encoder.out",
       with({"train", "--activations", activations + "/" + kDemoOut, "--out",
             (sae / kDemoOut).string(), "--arch", "batchtopk,matryoshka"},
            grid)},
      {"train-middle", "one in the middle of the encoder",
       with({"train", "--activations", activations + "/" + kDemoMiddle, "--out",
             (sae / kDemoMiddle).string(), "--arch", "batchtopk"},
            grid)},
      {"train-shuffled", "one on the shuffled model",
       with({"train", "--activations", shuffled + "/" + kDemoOut, "--out",
             (controls / "shuffled").string()},
            brief)},
      {"train-shuffled-middle", "one in the middle of the shuffled model",
       with({"train", "--activations", shuffled + "/" + kDemoMiddle, "--out",
             (controls / "shuffled-middle").string()},
            brief)},
      {"train-frozen", "one whose decoder stays random",
       with({"train", "--activations", activations + "/" + kDemoOut, "--out",
             (controls / "frozen").string(), "--arch", "batchtopk", "--freeze-decoder"},
            grid)},
      {"train-wide",
       "a wide TopK, 31 features a dimension",
       {"train", "--activations", activations + "/" + kDemoOut, "--out", (sae / kDemoOut).string(),
        "--arch", "topk", "--k", "45", "--latents", "15872", "--steps", "400"}},
      {"eval",
       "faithful? beside controls, and in the model's place",
       {"eval", "--sae", batch, "--sae", nested, "--activations", activations + "/" + kDemoOut,
        "--model", kDemoModel, "--data", kDemoData, "--frozen-sae", frozen, "--shuffled-sae",
        shuffled_sae, "--shuffled-activations", shuffled + "/" + kDemoOut, "--also",
        "unpacked=" + shift_store(out, "0", kDemoOut) +
            ",shifted=" + shift_store(out, "8620", kDemoOut)}},
      {"eval-middle",
       "the same in the middle of the encoder",
       {"eval", "--sae", middle, "--activations", activations + "/" + kDemoMiddle, "--model",
        kDemoModel, "--data", kDemoData, "--shuffled-sae", shuffled_middle,
        "--shuffled-activations", shuffled + "/" + kDemoMiddle, "--also",
        "unpacked=" + shift_store(out, "0", kDemoMiddle) +
            ",shifted=" + shift_store(out, "8620", kDemoMiddle)}},
      {"eval-wide",
       "the wide one, without decoding",
       {"eval", "--sae", wide, "--activations", activations + "/" + kDemoOut, "--model", kDemoModel,
        "--data", kDemoData, "--no-decode", "--controls", "mean,pca"}},
      {"describe",
       "what each feature hears, encoder.out",
       {"describe", "--sae", batch, "--activations", activations + "/" + kDemoOut, "--shifted",
        shift_stores(out, kDemoOut), "--labels", label_file, "--shuffled-sae", shuffled_sae,
        "--shuffled-activations", shuffled + "/" + kDemoOut}},
      {"describe-middle",
       "what each feature hears, middle",
       {"describe", "--sae", middle, "--activations", activations + "/" + kDemoMiddle, "--shifted",
        shift_stores(out, kDemoMiddle), "--labels", label_file, "--shuffled-sae", shuffled_middle,
        "--shuffled-activations", shuffled + "/" + kDemoMiddle}},
      {"describe-shuffled",
       "the same rules on the shuffled model, the control",
       {"describe", "--sae", shuffled_sae, "--activations", shuffled + "/" + kDemoOut}},
  };
  const DemoFolders folders = {out,   labels, activations, shuffled,
                               batch, middle, frozen,      shuffled_sae};
  const auto add = [&](const std::vector<DemoStep>& more) {
    steps.insert(steps.end(), more.begin(), more.end());
  };
  add(rest);
  add(meaning_steps(folders));
  if (full) add(full_steps(folders));
  add(audit_steps(folders));
  steps.push_back({"report",
                   "the report",
                   {"report", out.string(), "--labels", label_file, "--model", kDemoModel}});
  return steps;
}

void write_run_record(const std::filesystem::path& out, const std::vector<DemoStep>& steps) {
  io::OrderedJson record = {{"schema", "otoscope.run"}, {"version", 1}, {"otoscope", kVersion}};
  record["steps"] = io::OrderedJson::array();
  for (const DemoStep& step : steps)
    record["steps"].push_back(
        {{"name", step.name}, {"command", "otoscope " + join(step.words, " ")}});
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    if (!entry.is_regular_file()) continue;  // beside a record lies the folder of what was heard
    const std::string name = entry.path().filename().string();
    // An index holds the hashes of its shards, so that hashing it is hashing them.
    if (name == "index.json" || name == "cfg.json" || name == "sae_weights.safetensors" ||
        name == "eval.json" || name == "features.sqlite" || name == "report.json" ||
        name == "labels.jsonl" || name == "categories.json" || name == "suppress.json" ||
        entry.path().parent_path().filename() == "findings" ||
        (entry.path().parent_path().filename() == "audit" && entry.path().extension() != ".key") ||
        entry.path().parent_path().filename() == "recipes")
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  record["outputs"] = io::OrderedJson::object();
  for (const auto& file : files)
    record["outputs"][std::filesystem::relative(file, out).generic_string()] =
        io::sha256_file(file);
  io::write_json(out / "run.json", record);
}

}  // namespace otoscope::cli
