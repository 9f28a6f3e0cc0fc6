#include "otoscope/io/post.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "io/traces.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/private_folder.h"
#include "otoscope/io/process.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

bool plain(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// A value in curl's file of options (curl(1), "-K, --config").
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"\n";
}

/// What curl says: "curl: (7) Failed to connect …" -> "Failed to connect …".
std::string last_words(const fs::path& errors) {
  const std::string last = last_line(errors, int64_t{1} << 20, std::string::npos);
  const size_t end = last.rfind("curl: (", 0) == 0 ? last.find(") ") : std::string::npos;
  return (end == std::string::npos ? last : last.substr(end + 2)).substr(0, 200);
}

}  // namespace

std::string post_json(const std::string& url, const std::string& body, const PostOptions& options) {
  if ((url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0) || !plain(url))
    throw UserError(url.substr(0, 80), "expected an address that begins with http:// or https://");
  if (!plain(options.key))
    throw UserError(url, "expected a key of one line, got one with control characters");
  if (find_program("curl").empty())
    throw UserError(url, "curl is not installed", "apt install curl");
  const PrivateFolder folder("post");
  const fs::path answer = folder.path() / "answer", errors = folder.path() / "errors",
                 question = folder.path() / "question", settings = folder.path() / "settings";
  write_file(question, body);
  write_file(settings, "url = " + quoted(url) + "header = \"Content-Type: application/json\"\n" +
                           (options.key.empty()
                                ? ""
                                : "header = " + quoted("Authorization: Bearer " + options.key)) +
                           "data-binary = " + quoted("@" + question.string()) +
                           "output = " + quoted(answer.string()));
  ProcessOptions process;
  process.errors_to = errors;
  process.while_running = [&] {
    if (size_so_far(answer) > options.most_bytes)
      throw UserError(url, fmt::format("expected an answer of at most {}, got more",
                                       human_bytes(options.most_bytes)));
  };
  const int status = run_process(
      {"curl", "--disable", "--fail", "--silent", "--show-error", "--proto", "=http,https",
       "--connect-timeout", "10", "--max-time", fmt::format("{:.3f}", options.timeout_s), "--retry",
       std::to_string(options.retries), "--retry-delay", "1", "--config", settings.string()},
      process);
  process.while_running();
  if (status != 0) {
    const std::string said = last_words(errors);
    throw UserError(url, said.empty() ? fmt::format("curl ended with status {}", status) : said,
                    "check the address, the key and the server");
  }
  return read_file(answer, options.most_bytes);
}

}  // namespace otoscope::io
