#include "audit/program.h"

#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/private_folder.h"
#include "otoscope/io/process.h"

namespace otoscope::audit {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostAnswer = 1 << 20;

}  // namespace

ProgramAnswer run_judge(const Predicate& predicate, const fs::path& folder, const Case& one) {
  const io::PrivateFolder scratch("judge");
  io::write_file(scratch / "case.json", to_json(one).dump() + "\n");
  io::ProcessOptions options;
  options.input_from = scratch / "case.json";
  options.output_to = scratch / "answer.json";
  options.folder = folder;
  options.timeout_s = predicate.timeout_s;
  const std::string& name = predicate.command[0];
  options.while_running = [&] {
    std::error_code error;
    const auto size = fs::file_size(options.output_to, error);
    if (!error && size > static_cast<uintmax_t>(kMostAnswer))
      throw UserError(name, "wrote more than 1 MB for an answer");
  };
  try {
    const int status = io::run_process(predicate.command, options);
    if (status == 124) return {false, name + " took longer than its timeout"};
    if (status != 0) return {false, name + " ended with status " + std::to_string(status)};
    const io::Json answer = io::parse_json(io::read_file(options.output_to, kMostAnswer), name);
    return {io::bool_at(answer, "fails", name), ""};
  } catch (const UserError& error) {
    return {false, error.what()};
  }
}

}  // namespace otoscope::audit
