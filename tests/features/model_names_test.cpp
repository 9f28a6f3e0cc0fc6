#include "otoscope/features/model_names.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "features/naming/chat.h"
#include "features/naming/moments.h"
#include "features/planted.h"
#include "otoscope/core/errors.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/json.h"
#include "otoscope/io/sqlite.h"
#include "support/close.h"
#include "support/errors.h"
#include "support/http_server.h"

namespace otoscope::features {
namespace {

using otoscope::testing::http_answer;
using otoscope::testing::HttpRequest;
using otoscope::testing::HttpServer;
using otoscope::testing::TemporaryFolder;

constexpr int64_t kClips = 60, kFrames = 40;
constexpr int kAxes = 4;

/// Axis a fires on three frames of each clip, elsewhere for each axis, while the label "soundA"
/// holds.
int64_t start_of(int64_t clip, int64_t axis) { return 2 + 9 * ((clip + axis) % kAxes); }
bool fires(int64_t clip, int64_t frame, int64_t axis) {
  return axis < kAxes && frame >= start_of(clip, axis) && frame < start_of(clip, axis) + 3;
}

struct Fixture {
  TemporaryFolder folder;
  sae::Sae sae = testing::axis_sae(kAxes);
  std::vector<audio::ClipLabels> labels;
  std::filesystem::path database;

  Fixture() {
    testing::write_planted(folder.path() / "acts", kClips, kFrames,
                           [](int64_t clip, int64_t frame, int64_t axis) {
                             return fires(clip, frame, axis) ? 1.0f + 0.001f * float(clip) : 0.0f;
                           });
    const auto index = folder.path() / "acts" / "index.json";
    io::Json json = io::read_json(index);
    for (size_t i = 0; i < json.at("items").size(); ++i)
      json.at("items")[i]["split"] = i % 2 == 1 ? "test" : "train";
    io::write_json(index, json);
    sae::save(sae, folder.path() / "sae");
    for (int64_t c = 0; c < kClips; ++c) {
      audio::ClipLabels clip{"clip" + std::to_string(c), 0.02 * kFrames, {}};
      audio::Track sounds{audio::LabelKind::sound, "hand", 1, 0, 0.02 * kFrames, {}};
      for (int64_t frame = 0; frame < kFrames; ++frame)
        for (int64_t a = 0; a < kAxes; ++a)
          if (frame == start_of(c, a))
            sounds.labels.push_back({0.02 * double(frame) - 0.005, 0.02 * double(frame) + 0.055,
                                     "sound" + std::to_string(a)});
      clip.tracks = {sounds};
      labels.push_back(clip);
    }
    database = describe(sae, open(), {}, silent_progress()).database;
  }
  store::Store open() const { return store::Store::open(folder.path() / "acts"); }

  ModelNameSummary name(const std::string& endpoint, int retries = 0) {
    ModelNameOptions options;
    options.endpoint = endpoint, options.model = "planted-7b", options.features = kAxes;
    options.retries = retries, options.timeout_s = 20;
    return name_by_model(database, sae, open(), labels, options, silent_progress());
  }
  std::vector<std::string> stored() const {
    std::vector<std::string> names;
    const io::Database db(database);
    io::Statement rows = db.prepare("SELECT coalesce(name, '') FROM model_names ORDER BY feature");
    while (rows.step()) names.push_back(rows.text(0));
    return names;
  }
};

std::string said(const std::string& content) {
  return http_answer(
      io::Json{{"choices", {{{"message", {{"role", "assistant"}, {"content", content}}}}}}}.dump());
}

std::string user_text(const HttpRequest& request) {
  return io::parse_json(request.body, "request").at("messages")[1].at("content").get<std::string>();
}

/// A model that can read: it names the sound of the first moment, and picks the moments that hold
/// the name.
std::string reader(const HttpRequest& request) {
  const std::string text = user_text(request);
  if (text.rfind("The unit fires", 0) == 0)
    return said("Sure: {\"name\": \"" + text.substr(text.find("sound sound") + 6, 6) + "\"}");
  const size_t begin = text.find("so: ") + 4;
  const std::string name = text.substr(begin, text.find('\n') - begin);
  std::string picks;
  int number = 0;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    if (std::atoi(line.c_str()) != number + 1) break;
    ++number;
    if (line.find(name) != std::string::npos)
      picks += (picks.empty() ? "" : ", ") + std::to_string(number);
  }
  return said("[" + picks + "]");
}

}  // namespace

TEST_CASE("a model that reads gets its names right, another feature's name gets it wrong") {
  Fixture fixture;
  HttpRequest first;
  const HttpServer server([&](const HttpRequest& request) {
    if (first.body.empty()) first = request;
    return reader(request);
  });
  const ModelNameSummary summary = fixture.name(server.address());
  CHECK(first.path == "/v1/chat/completions");
  CHECK(io::parse_json(first.body, "request").at("model") == "planted-7b");
  CHECK(user_text(first).find("plain words | ") != std::string::npos);
  CHECK(summary.named == kAxes);
  CHECK(summary.unusable == 0);
  CHECK(fixture.stored() == std::vector<std::string>{"sound0", "sound1", "sound2", "sound3"});
  CHECK(summary.own.value == 1);
  CHECK(summary.own.clusters == kAxes);
  // Another's sound is at none of the firings, and at a few of the silent moments.
  CHECK(summary.shuffled.value <= 0.5);
  CHECK(summary.over_shuffled.value >= 0.5);
  CHECK(std::isnan(summary.rule.value));  // described without labels
  CHECK(server.requests() == 3 * kAxes);  // a name, its own question, the one with another's name

  // Everything is answered: nobody is asked again.
  const ModelNameSummary again = fixture.name(server.address());
  CHECK(server.requests() == 3 * kAxes);
  CHECK(again.own.value == summary.own.value);
  CHECK(again.shuffled.value == summary.shuffled.value);
}

TEST_CASE("an endpoint that breaks loses nothing, and the next run goes on") {
  Fixture fixture;
  const auto rows_before = [&] {
    const io::Database db(fixture.database);
    io::Statement count = db.prepare("SELECT count(*) FROM features");
    count.step();
    return count.integer(0);
  }();
  int asked = 0;
  {
    const HttpServer server([&](const HttpRequest& request) {
      return ++asked > 2 ? http_answer("", "500 Internal Server Error") : reader(request);
    });
    CHECK_THROWS_WITH_AS(fixture.name(server.address()), doctest::Contains("500"), UserError);
  }
  CHECK(fixture.stored() == std::vector<std::string>{"sound0", "sound1"});
  CHECK(rows_before == kAxes);
  // The address is part of the question, so the same server must come back: here another one,
  // so all is asked anew and the old names are dropped.
  const HttpServer server(reader);
  CHECK(fixture.name(server.address()).named == kAxes);
  CHECK(fixture.stored().size() == kAxes);
}

TEST_CASE("a run that was cut goes on with the same server") {
  Fixture fixture;
  int asked = 0, fail_at = 3;
  const HttpServer server([&](const HttpRequest& request) {
    return ++asked == fail_at ? std::string() : reader(request);
  });
  CHECK_THROWS_AS(fixture.name(server.address()), UserError);
  fail_at = 4 + kAxes;  // the next run breaks among the questions
  CHECK_THROWS_AS(fixture.name(server.address()), UserError);
  fail_at = -1;
  CHECK(fixture.name(server.address()).own.value == 1);
  CHECK(asked == 3 * kAxes + 2);  // each question once, and the two that broke twice
}

TEST_CASE("hostile answers give no names, and are counted") {
  Fixture fixture;
  for (const std::string& content :
       {std::string(), std::string("two\nlines"), std::string(500, 'x'), std::string("\x1b[31mred"),
        std::string("{\"name\": 7}\n"), std::string("{\"name\": \"\xe2\x80\xaeturned\"}")}) {
    const HttpServer server([&](const HttpRequest&) { return said(content); });
    const ModelNameSummary summary = fixture.name(server.address());
    CHECK_MESSAGE(summary.named == 0, content);
    CHECK(summary.unusable == kAxes);
    CHECK(std::isnan(summary.own.value));
  }
  // Names that are names, choices that are none.
  const HttpServer server([&](const HttpRequest& request) {
    return user_text(request).rfind("The unit fires", 0) == 0 ? said("a sound")
                                                              : said("all of them [1, 2, 99]");
  });
  const ModelNameSummary summary = fixture.name(server.address());
  CHECK(summary.named == kAxes);
  CHECK(summary.unusable == 2 * kAxes);
  CHECK(std::isnan(summary.own.value));
  for (const char* body : {"", "[]", "{\"choices\": []}", "{\"choices\": [{\"message\": {}}]}",
                           "<html>busy</html>", "{\"choices\": 7}"}) {
    const HttpServer broken([&](const HttpRequest&) { return http_answer(body); });
    CHECK_THROWS_AS(fixture.name(broken.address()), UserError);
  }
}

TEST_CASE("half of a question's moments are firings, and none of the others is near one") {
  const Fixture fixture;
  const store::Store store = fixture.open();
  Coded test{choose_rows(store, store::Split::test), {}};
  test.postings =
      Postings(code_rows(fixture.sae, store, test.chosen, "", silent_progress()), kAxes);
  const Question question = ask(store, test, 1, 5, 3);
  REQUIRE(question.rows.size() == 10);
  CHECK(std::count(question.fires.begin(), question.fires.end(), 1) == 5);
  CHECK(std::set<int64_t>(question.rows.begin(), question.rows.end()).size() == 10);
  for (size_t i = 0; i < question.rows.size(); ++i) {
    const store::RowOrigin at = store.origin(question.rows[i]);
    CHECK(at.item % 2 == 1);
    if (question.fires[i] != 0)
      CHECK(fires(at.item, at.frame, 1));
    else
      for (int64_t d = -2; d <= 2; ++d) CHECK_FALSE(fires(at.item, at.frame + d, 1));
  }
  CHECK(ask(store, test, 1, 5, 3).rows == question.rows);
  CHECK(ask(store, test, 1, 5, 4).rows != question.rows);
  CHECK(ask(store, test, 1, 31, 3).rows.empty());  // 30 test clips
}

TEST_CASE("addresses, names and choices are read as people write them") {
  CHECK(chat_address("http://h:1") == "http://h:1/v1/chat/completions");
  CHECK(chat_address("http://h:1/") == "http://h:1/v1/chat/completions");
  CHECK(chat_address("https://h/v1") == "https://h/v1/chat/completions");
  CHECK(chat_address("https://h/api/v1/") == "https://h/api/v1/chat/completions");
  CHECK(chat_address("https://h/v1/chat/completions") == "https://h/v1/chat/completions");
  CHECK(name_in("```json\n{\"name\": \" vowel /iː/ \"}\n```") == "vowel /iː/");
  CHECK(name_in("\"plosives\"\n") == "plosives");
  CHECK_FALSE(name_in(std::string("a\0b", 3)));
  CHECK_FALSE(name_in("\xff\xfe"));
  CHECK_FALSE(name_in("\xc0\x80"));
  CHECK(picks_in("They are [3, 1, 3].", 3) == std::vector<int>{1, 3});
  CHECK(picks_in("[]", 3) == std::vector<int>{});
  for (const char* bad : {"", "[0]", "[4]", "[1.5]", "[\"1\"]", "[1", "1, 2", "[[1]]", "[1e99]",
                          "[18446744073709551615]"})
    CHECK_MESSAGE(!picks_in(bad, 3), bad);
}

}  // namespace otoscope::features
