#include "otoscope/audit/mode.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "otoscope/audit/judge.h"
#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::audit {
namespace {

using Answer = Judgement::Answer;

std::string mode_text(const std::string& when, const std::string& more = "") {
  return R"({"schema": "otoscope.failure-mode", "version": 1, "id": "x", "title": "x", )" + more +
         R"("rules": [{"severity": "S1", "when": )" + when + "}]}";
}
FailureMode mode_of(const std::string& when, const std::string& more = "") {
  return parse_mode(mode_text(when, more), "m");
}

/// Speech that was said and heard.
Case speech(const std::string& said, const std::string& heard) {
  Case one;
  one.id = "c";
  one.speech = true;
  one.language = "en";
  one.reference = said;
  one.heard.text = one.heard.normalised = heard;
  one.heard.language = "en";
  return one;
}

Answer ask(const std::string& when, const Case& one, const std::string& more = "") {
  return judge(mode_of(when, more), one).answer;
}

std::string refusal(const std::string& text) {
  return testing::error_of([&] { parse_mode(text, "m"); });
}
bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A program that does what `body` says, in a folder.
void write_program(const std::filesystem::path& path, const std::string& body) {
  io::write_file(path, "#!/bin/sh\n" + body + "\n");
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
}

}  // namespace

TEST_CASE("each predicate says yes and no where it should") {
  CHECK(ask(R"({"is": "text"})", speech("", "you")) == Answer::fails);
  CHECK(ask(R"({"is": "text"})", speech("", "")) == Answer::passes);
  Case filtered = speech("", "you");
  filtered.heard.no_speech = .9, filtered.heard.avg_logprob = -1.5;
  CHECK(ask(R"({"is": "text", "filter": "after"})", filtered) == Answer::passes);
  CHECK(ask(R"({"is": "text", "filter": "raw"})", filtered) == Answer::fails);
  CHECK(judge(mode_of(R"({"is": "text", "filter": "after"})"), filtered, {false, Filter::raw})
            .answer == Answer::fails);

  CHECK(ask(R"({"is": "empty"})", speech("a b", "")) == Answer::fails);
  CHECK(ask(R"({"is": "empty"})", speech("a b", "a")) == Answer::passes);
  CHECK(ask(R"({"is": "deletion", "words": 5})", speech("a b c d e f g", "a g")) == Answer::fails);
  CHECK(ask(R"({"is": "deletion", "words": 5})", speech("a b c d e f", "a x f")) == Answer::passes);

  CHECK(ask(R"({"is": "repetition"})", speech("", "go on go on go on go on")) == Answer::fails);
  CHECK(ask(R"({"is": "repetition"})", speech("", "go on go on go on stop")) == Answer::passes);
  Case loop = speech("", "a b");
  loop.heard.compression = 2.5;
  CHECK(ask(R"({"is": "repetition"})", loop) == Answer::fails);

  CHECK(ask(R"({"is": "number"})", speech("press 4 now", "press 5 now")) == Answer::fails);
  CHECK(ask(R"({"is": "number"})", speech("press 4 now", "press now")) == Answer::fails);
  CHECK(ask(R"({"is": "number"})", speech("press 4 now", "dress 4 how")) == Answer::passes);
  CHECK(ask(R"({"is": "name", "words": ["Ana"]})", speech("call ana", "call anna")) ==
        Answer::fails);
  CHECK(ask(R"({"is": "name", "words": ["Ana"]})", speech("call me", "call")) == Answer::passes);
  CHECK(ask(R"({"is": "inserted", "words": ["damn"]})", speech("a", "a damn")) == Answer::fails);
  CHECK(ask(R"({"is": "inserted", "words": ["damn"]})", speech("damn", "damn")) == Answer::passes);
  CHECK(ask(R"({"is": "wer", "above": 0.5})", speech("a b", "a x")) == Answer::passes);
  CHECK(ask(R"({"is": "wer", "above": 0.5})", speech("a b", "x y")) == Answer::fails);

  const std::string detect = R"("language": "detect", )";
  Case other = speech("a", "b");
  CHECK(ask(R"({"is": "wrong_language"})", other, detect) == Answer::passes);
  other.heard.language = "es";
  CHECK(ask(R"({"is": "wrong_language"})", other, detect) == Answer::fails);
}

TEST_CASE("what cannot be told is an error, and an error is never a pass") {
  Case unknown = speech("a", "b");
  unknown.reference.reset();
  unknown.language.clear();
  for (const char* when : {R"({"is": "deletion"})", R"({"is": "empty"})", R"({"is": "number"})",
                           R"({"is": "wer"})", R"({"not": {"is": "wer"}})"}) {
    const Judgement said = judge(mode_of(when), unknown);
    CHECK(said.answer == Answer::error);
    CHECK(mentions(said.why, "reference"));
  }
  CHECK(ask(R"({"is": "wrong_language"})", unknown) == Answer::error);
  // One that fails decides an any, one that passes an all; else the error stays.
  CHECK(ask(R"({"any": [{"is": "empty"}, {"is": "text"}]})", unknown) == Answer::fails);
  CHECK(ask(R"({"any": [{"is": "empty"}, {"not": {"is": "text"}}]})", unknown) == Answer::error);
  CHECK(ask(R"({"all": [{"is": "empty"}, {"not": {"is": "text"}}]})", unknown) == Answer::passes);
  CHECK(ask(R"({"all": [{"is": "empty"}, {"is": "text"}]})", unknown) == Answer::error);
}

TEST_CASE("a case has the highest severity of the rules that hold") {
  const FailureMode mode = parse_mode(
      R"({"schema": "otoscope.failure-mode", "version": 1, "id": "x", "title": "x", "rules": [
          {"severity": "S1", "when": {"is": "wer", "above": 0}},
          {"severity": "S3", "when": {"is": "number"}}, {"severity": "S0", "when": {"is": "text"}}]})",
      "m");
  CHECK(judge(mode, speech("press 4", "press 5")).severity == Severity::s3);
  CHECK(judge(mode, speech("press 4", "dress 4")).severity == Severity::s1);
  CHECK(judge(mode, speech("press 4", "press 4")).severity == Severity::s0);
}

TEST_CASE("deletions and repeats on hand cases") {
  CHECK(longest_deletion("a b c d", "a d") == 2);
  CHECK(longest_deletion("a b c d", "") == 4);
  CHECK(longest_deletion("", "a b") == 0);
  CHECK(longest_deletion("a b c d e", "a x y z e") == 0);  // replaced, not missing
  CHECK(longest_deletion("a b c a b d", "a b d") == 3);
  CHECK(repeats("", 8) == 0);
  CHECK(repeats("a", 8) == 1);
  CHECK(repeats("a a a", 8) == 3);
  CHECK(repeats("x a b a b a b y", 8) == 3);
  CHECK(repeats("a b c d a b c d", 2) == 1);  // a longer stretch than was asked for
}

TEST_CASE("the hash changes with the meaning and not with the spelling") {
  const FailureMode mode = mode_of(R"({"is": "wer", "above": 0.5})");
  CHECK(parse_mode("  " + mode_text(R"({"above": 0.5,   "is": "wer"})"), "other").hash ==
        mode.hash);
  CHECK(mode_of(R"({"is": "wer", "above": 0.25})").hash != mode.hash);
  const testing::TemporaryFolder folder;
  write_program(folder.path() / "judge.sh", "echo 1");
  const std::string text = mode_text(R"({"is": "program", "command": ["./judge.sh"]})");
  const std::string before = parse_mode(text, "m", folder.path()).hash;
  write_program(folder.path() / "judge.sh", "echo 2");
  CHECK(parse_mode(text, "m", folder.path()).hash != before);
}

TEST_CASE("a program judges; when it cannot, that is an error") {
  const testing::TemporaryFolder folder;
  const auto said = [&](const std::string& body, const std::string& timeout = "5") {
    write_program(folder.path() / "judge.sh", body);
    const FailureMode mode = parse_mode(
        mode_text(R"({"is": "program", "command": ["./judge.sh"], "timeout": )" + timeout + "}"),
        "m", folder.path());
    return judge(mode, speech("a", "the magic word"), {true, {}});
  };
  CHECK(said(R"(grep -q '"text":"the magic word"' && echo '{"fails": true}')").answer ==
        Answer::fails);
  CHECK(said(R"(echo '{"fails": false, "why": "fine"}')").answer == Answer::passes);
  CHECK(mentions(said("sleep 5", "0.2").why, "longer than its timeout"));
  CHECK(mentions(said("exit 3").why, "status 3"));
  CHECK(mentions(said("echo fine").why, "JSON"));
  CHECK(mentions(said(R"(echo '{"fails": "yes"}')").why, "fails"));
  CHECK(mentions(said("true").why, "JSON"));
  CHECK(mentions(said("yes").why, ""));
  CHECK(mentions(said("yes", "600").why, "more than 1 MB"));  // at once, not after its time
  for (const char* body : {"sleep 5", "exit 3", "echo fine", "true", "kill -9 $$"})
    CHECK(said(body, "0.2").answer == Answer::error);
  // Not without leave.
  const FailureMode mode =
      parse_mode(mode_text(R"({"is": "program", "command": ["./judge.sh"]})"), "m", folder.path());
  CHECK(mentions(testing::error_of([&] { judge(mode, speech("a", "b")); }), "--allow-programs"));
  const FailureMode gone =
      parse_mode(mode_text(R"({"is": "program", "command": ["./gone"]})"), "m", folder.path());
  CHECK(judge(gone, speech("a", "b"), {true, {}}).answer == Answer::error);
}

TEST_CASE("broken modes are one line that says what was expected") {
  CHECK(mentions(refusal("{"), "JSON"));
  CHECK(mentions(refusal("{}"), "otoscope.failure-mode"));
  CHECK(mentions(refusal(mode_text(R"({"is": "txet"})")), "did you mean text?"));
  CHECK(mentions(refusal(mode_text(R"({"is": "text", "fliter": "raw"})")), "did you mean filter?"));
  CHECK(mentions(refusal(mode_text(R"({"is": "text", "filter": "some"})")), "raw or after"));
  CHECK(mentions(refusal(mode_text(R"({"is": "wer", "above": -1})")), "above in [0"));
  CHECK(mentions(refusal(mode_text(R"({"is": "deletion", "words": 0})")), "words in [1"));
  CHECK(mentions(refusal(mode_text(R"({"is": "name", "words": []})")), "1 to 10000"));
  CHECK(mentions(refusal(mode_text(R"({"is": "name", "words": ["two words"]})")), "single words"));
  CHECK(mentions(refusal(mode_text(R"({"any": []})")), "a list of predicates"));
  CHECK(
      mentions(refusal(mode_text(R"({"is": "text"})", R"("ruels": [], )")), "did you mean rules?"));
  std::string deep = R"({"is": "text"})", wide = R"({"any": [{"is": "text"})";
  for (int i = 0; i < 10; ++i) deep = R"({"not": )" + deep + "}";
  for (int i = 0; i < 80; ++i) wide += R"(, {"is": "text"})";
  CHECK(mentions(refusal(mode_text(deep)), "on 8 levels"));
  CHECK(mentions(refusal(mode_text(wide + "]}")), "at most 64 predicates"));
  std::string newer = mode_text(R"({"is": "text"})");
  newer.replace(newer.find("\"version\": 1"), 12, "\"version\": 2");
  CHECK(mentions(refusal(newer), "a newer otoscope"));
  std::string severe = mode_text(R"({"is": "text"})");
  severe.replace(severe.find("S1"), 2, "S4");
  CHECK(mentions(refusal(severe), "S0 to S3"));
}

TEST_CASE("every mode that comes along can be read and asked") {
  for (const std::string& name : known_modes()) {
    const FailureMode mode = find_mode(name);
    CHECK(mode.id == name);
    CHECK(mode.hash.size() == 64);
    CHECK(judge(mode, speech("one 2 three", "one 2 three")).answer ==
          (mode.speech.value_or(true) ? Answer::passes : Answer::fails));
  }
  CHECK(mentions(testing::error_of([] { find_mode("text-on-nonspech"); }),
                 "did you mean text-on-nonspeech?"));
}

}  // namespace otoscope::audit
