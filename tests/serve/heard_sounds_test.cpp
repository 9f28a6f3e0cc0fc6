/// Sounds on which text appears.
#include "serve/heard_sounds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "serve/hallucination.h"
#include "support/close.h"
#include "support/errors.h"
#include "support/tone.h"

namespace otoscope::serve {
namespace {

io::Json window(const std::string& path, const std::string& before, const std::string& after) {
  return {{"id", "clip"},
          {"kind", "rain"},
          {"path", path},
          {"offset_s", 0.0},
          {"duration_s", 2.0},
          {"licence", "CC0"},
          {"no_speech", 0.25},
          {"wrote", !before.empty()},
          {"writes", !after.empty()},
          {"before", before},
          {"after", after}};
}

std::string page_of(const io::Json& result) {
  Html html;
  write_heard_sounds(html, {"suppress.json", std::make_shared<io::Json>(result)},
                     silent_progress());
  return html.take();
}

int64_t count_of(const std::string& text, const std::string& piece) {
  int64_t n = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("sounds are played with the text before and after, other texts first") {
  const otoscope::testing::TemporaryFolder folder;
  const std::string tone = (folder.path() / "tone.wav").string();
  io::write_file(tone, testing::tone());
  io::Json result = {{"speech", {{"test", {{"windows", 7}}}}}};
  result["heard"]["speech_changed"] = io::Json::array();
  io::Json& sounds = result["heard"]["sounds"] = io::Json::array();
  for (int i = 0; i < 20; ++i) sounds.push_back(window(tone, "you", ""));
  sounds.push_back(window(tone, "<b>meat in the pan</b>", ""));
  sounds.push_back(window(tone, "", ""));  // silent before: nothing to show
  sounds.push_back(window(tone, "thanks", "thanks"));
  sounds.push_back(window("/nowhere.wav", "bye", "bye"));  // gone: its texts are still told

  const std::string page = page_of(result);
  CHECK(count_of(page, "<audio ") == 9);  // eight silenced, one that keeps its text
  CHECK(count_of(page, "“you”") == 7);    // once, the other text, then the rest
  CHECK(page.find("“&lt;b&gt;meat in the pan&lt;/b&gt;”") != std::string::npos);
  CHECK(page.find("“bye”") != std::string::npos);
  CHECK(page.find("CC0") != std::string::npos);
  CHECK(page.find("data-pointer=\"/speech/test/windows\"") != std::string::npos);

  result["heard"]["speech_changed"].push_back(window(tone, "a word", ""));
  result["heard"]["speech_changed"][0]["reference"] = "a word said";
  const std::string changed = page_of(result);
  CHECK(changed.find("“a word said”") != std::string::npos);
  CHECK(changed.find("/speech/test/windows") == std::string::npos);
}

TEST_CASE("more windows with text than there are windows is refused in a line") {
  const io::Json edit = {{"name", "x"}, {"dose", .1}, {"sounds", 2}, {"with_text", 3}};
  io::Json result = {{"measurement", io::Json::object()}, {"questions", io::Json::array()}};
  result["search"]["always_on"] = {{"coarse", {edit}}, {"fine", io::Json::array()}};
  Html html;
  CHECK(otoscope::testing::error_of([&] {
          write_hallucination(html, {"suppress.json", std::make_shared<io::Json>(result)},
                              silent_progress());
        }) == "[suppress.json] expected at most 2 windows with text, got 3.");
}

TEST_CASE("a result that was made without its windows shows none") {
  CHECK(page_of({{"speech", {}}}).empty());
}

}  // namespace otoscope::serve
