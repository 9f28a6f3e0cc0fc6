#include "audit/provenance.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <map>
#include <thread>

#include "otoscope/audit/files.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/text.h"
#include "otoscope/core/threads.h"
#include "otoscope/core/version.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/kernels/device.h"

namespace otoscope::audit {
namespace {

namespace fs = std::filesystem;
using io::OrderedJson;

OrderedJson files_json(const std::vector<NamedFile>& files) {
  OrderedJson list = OrderedJson::array();
  for (const NamedFile& file : files) list.push_back(to_json(file));
  return list;
}

std::string cpu_name() {
  try {
    for (const std::string& line : split(io::read_file("/proc/cpuinfo"), '\n'))
      if (line.starts_with("model name")) return trimmed(line.substr(line.find(':') + 1));
  } catch (const UserError&) {  // another system: its name is all there is
  }
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "unknown";
}

OrderedJson machine_json() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return {{"cpu", cpu_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"isa", isa_name(active_isa())},
          {"accelerator", kernels::accelerator()},
          {"memory_bytes", pages > 0 && size > 0 ? int64_t{pages} * size : 0}};
}

OrderedJson program_sha256() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? OrderedJson() : OrderedJson(io::sha256_file(self));
}

}  // namespace

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

OrderedJson dataset_json(const store::Manifest& manifest, const std::string& name,
                         const std::string& role, std::span<const steer::SoundWindow> heard) {
  std::map<std::string, int64_t> licences;
  std::map<fs::path, std::string> hashes;  // a file may hold several clips
  std::vector<NamedFile> audio;
  for (const steer::SoundWindow& window : heard) {
    ++licences[window.clip.licence.empty() ? "not stated" : window.clip.licence];
    std::string& hash = hashes[window.clip.path];
    if (hash.empty()) hash = io::sha256_file(window.clip.path);
    audio.push_back({window.clip.id, window.clip.path, hash, 0});
  }
  OrderedJson json{{"id", name},
                   {"sha256", manifest.sha256},
                   {"role", role},
                   {"clips", heard.size()},
                   {"audio_sha256", hash_of(std::move(audio))},
                   {"licences", OrderedJson::array()}};
  for (const auto& [licence, n] : licences)
    json["licences"].push_back({{"licence", licence}, {"clips", n}});
  return json;
}

OrderedJson provenance_json(const AuditInputs& inputs, const AuditOptions& options,
                            const RunTime& time) {
  OrderedJson json{{"tool", "otoscope"}};
  json["code"] = {{"version", kVersion}, {"program_sha256", program_sha256()}};
  json["model"] = {{"name", inputs.model_name},
                   {"hash", inputs.model.hash()},
                   {"files", files_json(hash_folder(inputs.model.folder(), "model/"))}};
  json["saes"] = OrderedJson::array();
  for (size_t s = 0; s < inputs.saes.size(); ++s) {
    const sae::Sae& sae = *inputs.saes[s];
    const std::string prefix = "sae-" + std::to_string(s) + "/";
    json["saes"].push_back(
        {{"site", sae.site},
         {"hash", sae.hash},
         {"folder",
          fs::proximate(fs::absolute(sae.folder), fs::absolute(inputs.folder)).generic_string()},
         {"files", files_json({hash_file(sae.folder / "cfg.json", prefix + "cfg.json"),
                               hash_file(sae.folder / "sae_weights.safetensors",
                                         prefix + "sae_weights.safetensors")})}});
  }
  json["data"] = OrderedJson::array({to_json(hash_file(inputs.data.path, "data/manifest.jsonl"))});
  if (inputs.speech != nullptr)
    json["data"].push_back(to_json(hash_file(inputs.speech->path, "guard/manifest.jsonl")));
  json["mode"] = inputs.mode_path.empty()
                     ? OrderedJson{{"name", "built in: " + inputs.mode.id},
                                   {"sha256", io::sha256(inputs.mode.canonical)},
                                   {"bytes", inputs.mode.canonical.size()}}
                     : to_json(hash_file(inputs.mode_path, "mode.json"));
#ifdef __clang__
  const std::string compiler = std::string("clang ") + __clang_version__;
#else
  const std::string compiler = std::string("g++ ") + __VERSION__;
#endif
#ifdef __OPTIMIZE__
  const char* flags = "optimised, x86-64 baseline, kernels by run-time dispatch";
#else
  const char* flags = "not optimised, x86-64 baseline, kernels by run-time dispatch";
#endif
  json["build"] = {{"compiler", compiler}, {"flags", flags}, {"blas", "oneDNN"}};
  json["machine"] = machine_json();
  json["threads"] = threads();
  json["seeds"] = {{"all", options.seed}};
  json["command"] = OrderedJson::parse(inputs.command);
  json["started"] = time.started;
  json["wall_s"] = time.wall_s;
  json["parents"] = OrderedJson::array();
  for (const sae::Sae* sae : inputs.saes) json["parents"].push_back("sae " + sae->hash);
  return json;
}

}  // namespace otoscope::audit
