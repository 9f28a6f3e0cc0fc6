/// The order of the house, read from the #include lines, so that a wrong direction is named with
/// its file and line (the linker only says that a symbol is missing).
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope {
namespace {

namespace fs = std::filesystem;

/// A room may use the rooms before it and none behind (CONTRIBUTING.md).
constexpr std::string_view kRooms[] = {
    "core", "kernels",  "io",    "audio",    "model",    "store", "labels", "sae",
    "eval", "features", "steer", "circuits", "contexts", "audit", "serve",  "cli"};

int rank_of(std::string_view room) {
  const auto* const found = std::find(std::begin(kRooms), std::end(kRooms), room);
  return found == std::end(kRooms) ? -1 : static_cast<int>(found - std::begin(kRooms));
}

struct Include {
  std::string file;  // relative to the repository
  int line = 0;
  std::string target;
  std::string room;  // of the file; empty for src/main.cpp
  bool in_header = false;
};

/// The target of an #include line, or nothing.
std::string_view include_of(std::string_view line) {
  const auto skip = [&] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  skip();
  if (line.empty() || line[0] != '#') return {};
  line.remove_prefix(1);
  skip();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip();
  if (line.size() < 2 || (line[0] != '"' && line[0] != '<')) return {};
  const size_t end = line.find(line[0] == '"' ? '"' : '>', 1);
  return end == std::string_view::npos ? std::string_view{} : line.substr(1, end - 1);
}

std::vector<Include> includes_under(const fs::path& root, const std::string& folder) {
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".h" && extension != ".cpp" && extension != ".inl") continue;
    const fs::path inside = fs::relative(entry.path(), root / folder);
    const bool nested = std::distance(inside.begin(), inside.end()) > 1;
    std::ifstream text(entry.path());
    std::string line;
    for (int number = 1; std::getline(text, line); ++number) {
      const std::string_view target = include_of(line);
      if (target.empty()) continue;
      found.push_back({folder + "/" + inside.string(), number, std::string(target),
                       nested ? inside.begin()->string() : "", extension != ".cpp"});
    }
  }
  return found;
}

std::vector<Include> all_includes() {
  const fs::path root = fs::path(OTOSCOPE_TEST_DIR).parent_path();
  auto found = includes_under(root, "src");
  const auto headers = includes_under(root, "include/otoscope");
  found.insert(found.end(), headers.begin(), headers.end());
  return found;
}

/// The room that an include reaches into: "otoscope/sae/x.h" and the private "sae/x.h" both say
/// sae.
std::string room_of_target(std::string_view target) {
  if (target.starts_with("otoscope/")) target.remove_prefix(9);
  const size_t slash = target.find('/');
  const auto room = std::string(target.substr(0, slash == std::string_view::npos ? 0 : slash));
  return rank_of(room) >= 0 ? room : "";
}

std::string place(const Include& it) {
  return it.file + ":" + std::to_string(it.line) + " includes " + it.target;
}

/// Which rule an include breaks; empty if none.
std::string fault(const Include& it) {
  const std::string reached = room_of_target(it.target);
  if (!it.room.empty() && rank_of(it.room) < 0) return it.room + " is not a room of the house";
  if (!it.room.empty() && rank_of(reached) > rank_of(it.room))
    return it.room + " must not use " + reached;
  if (!reached.empty() && reached != it.room && !it.target.starts_with("otoscope/"))
    return "another room's private header";
  const auto belongs = [&](std::string_view start, std::string_view where) {
    return !it.target.starts_with(start) || (it.file.starts_with(where) && !it.in_header);
  };
  if (!belongs("dnnl", "src/kernels/cpu/gemm.cpp") && !belongs("dnnl", "src/kernels/cpu/conv.cpp"))
    return "oneDNN belongs in gemm.cpp and conv.cpp";
  if (!belongs("libav", "src/audio/") || !belongs("libsw", "src/audio/"))
    return "FFmpeg belongs in sources of audio";
  for (const std::string_view heavy : {"nlohmann/json.hpp", "sqlite3.h"})
    if (it.target == heavy && it.in_header && it.file.starts_with("include/"))
      return "too heavy for a public header";
  return "";
}

}  // namespace

TEST_CASE("every room includes only rooms before it, and heavy headers stay where they belong") {
  const auto includes = all_includes();
  CHECK(includes.size() > 200);  // the scan does find something
  for (const Include& it : includes) {
    const std::string broken = fault(it);
    CHECK_MESSAGE(broken.empty(), place(it), ": ", broken);
  }
}

TEST_CASE("the house's rules find what they should") {
  const auto broken = [](const char* file, const char* target, const char* room) {
    return !fault({file, 1, target, room, std::string_view(file).ends_with(".h")}).empty();
  };
  CHECK(broken("src/io/x.cpp", "otoscope/sae/sae.h", "io"));
  CHECK(broken("src/sae/x.cpp", "io/private.h", "sae"));
  CHECK(broken("src/sae/x.cpp", "dnnl.hpp", "sae"));
  CHECK(broken("src/io/x.cpp", "libavcodec/avcodec.h", "io"));
  CHECK(broken("include/otoscope/io/x.h", "nlohmann/json.hpp", "io"));
  CHECK(broken("src/pantry/x.cpp", "vector", "pantry"));
  CHECK(!broken("src/sae/x.cpp", "otoscope/io/file.h", "sae"));
  CHECK(!broken("src/sae/x.cpp", "sae/private.h", "sae"));
  CHECK(!broken("src/kernels/cpu/gemm.cpp", "dnnl.hpp", "kernels"));
  CHECK(include_of("  #  include <vector>  // why") == "vector");
  CHECK(include_of("// #include <vector>").empty());
}

}  // namespace otoscope
