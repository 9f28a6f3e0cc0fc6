#include "cli/eval_joint.h"

#include <filesystem>
#include <list>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/eval/joint.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/joint.h"

namespace otoscope::cli {
namespace {

namespace fs = std::filesystem;

std::vector<const store::Store*> open_all(const std::vector<std::string>& paths,
                                          std::list<store::Store>& stores) {
  std::vector<const store::Store*> opened;
  for (const std::string& path : paths)
    opened.push_back(&stores.emplace_back(store::Store::open(path)));
  return opened;
}

/// Stores of one extraction lie side by side: targets are found by the names of their sites.
std::vector<std::string> beside(const std::vector<std::string>& inputs,
                                const std::vector<sae::Port>& targets) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < targets.size() && i < inputs.size(); ++i) {
    const fs::path path = fs::path(inputs[i]).parent_path() / targets[i].site;
    if (!fs::exists(path))
      throw UserError("--target-activations",
                      "expected a store for each of " + std::to_string(targets.size()) +
                          " targets, got none, and there is no " + path.string());
    paths.push_back(path.string());
  }
  return paths;
}

}  // namespace

void eval_joint(const JointEvalInput& input, const eval::EvalOptions& options,
                const Context& context) {
  const sae::Joint joint = sae::load_joint(input.folder);
  std::list<store::Store> stores;
  eval::JointJob job;
  const fs::path whole = fs::path(input.folder).lexically_normal();
  job.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  job.joint = &joint;
  job.inputs = open_all(input.activations, stores);
  if (joint.cross_layer())
    job.targets = open_all(
        input.targets.empty() ? beside(input.activations, joint.targets) : input.targets, stores);
  else if (!input.targets.empty())
    throw UserError("--target-activations",
                    "expected none with a crosscoder, got " + std::to_string(input.targets.size()));
  sae::Joint control;
  if (!input.control.empty()) {
    if (joint.cross_layer())
      throw UserError("--shuffled-sae",
                      "expected a crosscoder to compare with, got a control of a "
                      "cross-layer transcoder");
    control = sae::load_joint(input.control);
    if (control.cross_layer())
      throw UserError("--shuffled-sae", "expected a crosscoder, got a cross-layer transcoder");
    job.control = &control;
    job.control_inputs = open_all(input.control_activations, stores);
  }
  const nlohmann::ordered_json result = eval::evaluate_joint(job, options, context.progress);
  const fs::path file = fs::path(input.folder) / "joint-eval.json";
  io::write_json(file, result);
  if (context.common.json) return context.print(result.dump(1));
  std::string text = file.string() + "\n" + result.at("kind").get<std::string>() + ", " +
                     std::to_string(result.at("rows").get<int64_t>()) + " " +
                     result.at("split").get<std::string>() + " rows of " +
                     std::to_string(result.at("items").get<int64_t>()) + " items, " +
                     std::to_string(result.at("clusters").get<int64_t>()) + " clusters by " +
                     result.at("clusters_by").get<std::string>() + "\n" +
                     text_table(eval::joint_table(result));
  if (!joint.cross_layer()) text += "\n" + text_table(eval::sharing_table(result));
  context.print(text);
}

}  // namespace otoscope::cli
