#include "otoscope/store/joined.h"

#include <doctest/doctest.h>

#include <map>

#include "otoscope/store/extract.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;

namespace {

store::Clip clip(const std::string& id, const std::string& prompt, const std::string& split) {
  store::Clip made;
  made.id = id, made.prompt_id = prompt, made.split = split;
  return made;
}

store::Manifest corpus(const std::string& name, std::vector<store::Clip> clips) {
  store::Manifest made;
  made.path = name, made.sha256 = name;
  made.clips = std::move(clips);
  return made;
}

}  // namespace

TEST_CASE("a prompt keeps the split that the first corpus gave it") {
  const auto first =
      corpus("a", {clip("1", "hello", "test"), clip("2", "bye", "train"), clip("3", "", "dev")});
  const auto second =
      corpus("b", {clip("4", "hello", "train"), clip("5", "bye", "test"), clip("6", "new", "test"),
                   clip("7", "new", "train"), clip("8", "", "test")});
  const store::Manifest all = store::join({first, second});
  std::vector<std::string> splits;
  for (const store::Clip& one : all.clips) splits.push_back(one.split);
  // Within a corpus its own rule stands: "new" is spoken by voices of two splits.
  CHECK(splits ==
        std::vector<std::string>{"test", "train", "dev", "test", "train", "test", "train", "test"});
  CHECK(all.sha256 != "a");
  CHECK(store::join({first}).sha256 == "a");
  CHECK(store::join({first}).clips.size() == 3);
}

TEST_CASE("splits that no manifest states are those of each corpus alone") {
  std::vector<store::Clip> prompts, spoken;
  for (int i = 0; i < 40; ++i)
    prompts.push_back(clip("p" + std::to_string(i), "q" + std::to_string(i), ""));
  for (int i = 0; i < 40; ++i) {
    spoken.push_back(clip("s" + std::to_string(i), "r" + std::to_string(i), "train"));
    spoken.back().speaker = "voice" + std::to_string(i);
  }
  auto alone = prompts;
  store::assign_splits(alone);
  const store::Manifest all = store::join({corpus("a", prompts), corpus("b", spoken)});
  for (size_t i = 0; i < alone.size(); ++i) CHECK(all.clips[i].split == alone[i].split);
}

TEST_CASE("a limit counts in each corpus, so that a large one does not crowd out a small one") {
  std::vector<store::Clip> many, few;
  for (int i = 0; i < 40; ++i) many.push_back(clip("many" + std::to_string(i), "", "train"));
  for (int i = 0; i < 4; ++i) few.push_back(clip("few" + std::to_string(i), "", "train"));
  const store::Manifest all = store::join({corpus("a", many), corpus("b", few)});
  std::map<int, int> kept;
  for (const store::Clip& one : store::selected(all.clips, {.limit = 6})) ++kept[one.corpus];
  CHECK(kept == std::map<int, int>{{0, 6}, {1, 4}});
}

TEST_CASE("an id in two corpora is refused") {
  const auto part = corpus("a", {clip("1", "hello", "test")});
  CHECK(error_of([&] {
          store::join({part, part});
        }).find("the id 1 is in another corpus") != std::string::npos);
}
