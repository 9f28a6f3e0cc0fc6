#include "serve/run_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "serve/bound_table.h"

namespace otoscope::serve {
namespace {

Document read_document(const std::filesystem::path& root, const std::filesystem::path& file) {
  return {std::filesystem::relative(file, root).generic_string(),
          std::make_shared<io::Json>(io::read_json(file))};
}

std::map<std::string, Series> read_training(const std::filesystem::path& file) {
  std::map<std::string, Series> curves;
  if (!std::filesystem::exists(file)) return curves;
  int64_t line_number = 0;
  for (const std::string& line : split(io::read_file(file), '\n')) {
    ++line_number;
    if (line.empty()) continue;
    const io::Json entry = io::parse_json(line, file.string() + ":" + std::to_string(line_number));
    if (!entry.contains("step") || !entry["step"].is_number()) continue;
    const double step = entry["step"].get<double>();
    for (const char* key : {"loss", "fvu", "l0", "dead"})
      if (entry.contains(key) && entry[key].is_number()) {
        curves[key].x.push_back(step);
        curves[key].y.push_back(entry[key].get<double>());
      }
  }
  return curves;
}

std::string display_name(const std::string& architecture) {
  const std::map<std::string, std::string> names = {
      {"batchtopk", "BatchTopK"},
      {"topk", "TopK"},
      {"matryoshka", "Matryoshka BatchTopK"},
      {"matryoshka_batchtopk", "Matryoshka BatchTopK"},
      {"jumprelu", "JumpReLU"},
      {"relu", "ReLU L1"},
      {"standard", "ReLU L1"},
      {"gated", "Gated"}};
  const auto found = names.find(architecture);
  return found == names.end() ? architecture : found->second;
}

SaeFiles read_sae(const std::filesystem::path& root, const std::filesystem::path& folder) {
  SaeFiles files;
  files.name = std::filesystem::relative(folder, root / "sae").generic_string();
  files.folder = folder;
  files.cfg = read_document(root, folder / "cfg.json");
  if (std::filesystem::exists(folder / "eval.json"))
    files.eval = read_document(root, folder / "eval.json");
  if (std::filesystem::exists(folder / "categories.json"))
    files.categories = read_document(root, folder / "categories.json");
  files.training = read_training(folder / "training.jsonl");
  files.described = std::filesystem::exists(folder / "features.sqlite");
  const io::Json& cfg = *files.cfg.json;
  const io::Json none;
  const io::Json& metadata = cfg.contains("metadata") ? cfg["metadata"] : none;
  files.site = text_at(metadata, "hook_name");
  files.architecture = text_at(metadata, "training_architecture");
  if (files.architecture.empty()) files.architecture = text_at(cfg, "architecture");
  if (files.architecture.empty()) files.architecture = "?";
  return files;
}

std::map<std::string, std::vector<Document>> read_findings(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!entry.is_directory()) continue;
    if (std::filesystem::exists(entry.path() / "suppress.json"))
      files.push_back(entry.path() / "suppress.json");
    if (entry.path().filename() != "findings" && entry.path().filename() != "audit") continue;
    for (const auto& file : std::filesystem::directory_iterator(entry.path()))
      if (file.path().extension() == ".json") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  std::map<std::string, std::vector<Document>> findings;
  for (const auto& file : files) {
    Document document = read_document(root, file);
    const std::string schema = text_at(*document.json, "schema");
    findings[schema].push_back(std::move(document));
  }
  return findings;
}

}  // namespace

std::string SaeFiles::title() const {
  return display_name(architecture) + ", " + std::to_string(cfg.json->value("d_sae", 0)) +
         " features, " + site + (control() ? ", control: " + split(name, '/')[1] : "");
}

RunFiles read_run(const std::filesystem::path& folder) {
  RunFiles run;
  run.folder = folder;
  std::vector<std::filesystem::path> folders;
  if (std::filesystem::is_directory(folder / "sae"))
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "sae"))
      if (entry.path().filename() == "sae_weights.safetensors" &&
          std::filesystem::exists(entry.path().parent_path() / "cfg.json"))
        folders.push_back(entry.path().parent_path());
  if (folders.empty())
    throw UserError(folder.string(), "expected a run with at least one SAE in sae/, got none",
                    "train one with `otoscope train --out " + (folder / "sae").string() + "`");
  std::sort(folders.begin(), folders.end());
  for (const auto& sae : folders) run.saes.push_back(read_sae(folder, sae));
  run.findings = read_findings(folder);
  return run;
}

}  // namespace otoscope::serve
