#include "labels/apertium_run.h"

#include <algorithm>

#include "otoscope/io/file.h"
#include "otoscope/io/private_folder.h"
#include "otoscope/io/process.h"

namespace otoscope::labels {

namespace fs = std::filesystem;

fs::path apertium_folder(std::string_view package) {
  return fs::path("/usr/share/apertium") / package;
}

std::vector<std::vector<Token>> read_stream(const fs::path& file) {
  const std::string output = io::read_file(file);
  std::vector<std::vector<Token>> tokens;
  for (std::string_view rest = output; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    tokens.push_back(parse_stream_line(rest.substr(0, end), "apertium"));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return tokens;
}

std::vector<std::vector<Token>> apertium_lines(
    const std::function<std::vector<std::string>(const std::string& in, const std::string& out)>&
        command,
    std::string_view input) {
  const io::PrivateFolder aside("analyse");
  io::write_file(aside / "in", input);
  io::run_process_checked(command((aside / "in").string(), (aside / "out").string()));
  return read_stream(aside / "out");
}

}  // namespace otoscope::labels
