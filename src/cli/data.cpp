#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/usage_error.h"
#include "cli/verb.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"
#include "otoscope/store/corpora.h"
#include "otoscope/store/manifest.h"

namespace otoscope::cli {
namespace {

using io::OrderedJson;
using store::KnownCorpus;

OrderedJson described(const KnownCorpus& known) {
  return {{"name", known.name},
          {"summary", known.summary},
          {"licence", known.licence},
          {"download_bytes", known.download_bytes},
          {"fetched", store::is_fetched(known)},
          {"manifest", store::corpus_manifest(known).string()},
          {"packages", known.packages}};
}

void list_data(const Context& context) {
  if (context.common.json) {
    OrderedJson all = OrderedJson::array();
    for (const KnownCorpus& known : store::known_corpora()) all.push_back(described(known));
    return context.print(all.dump(1));
  }
  std::vector<std::vector<std::string>> rows = {{"name", "fetches", "here", "what"}};
  for (const KnownCorpus& known : store::known_corpora())
    rows.push_back({known.name, human_bytes(known.download_bytes),
                    store::is_fetched(known) ? "yes" : "no", known.summary});
  std::string text = text_table(rows);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  context.print(text);
}

/// What the manifest holds: read from it, not remembered.
OrderedJson counted(const store::Manifest& manifest) {
  double seconds = 0.0;
  int64_t with_text = 0, speech = 0;
  std::set<std::string> speakers, sources;
  std::map<std::string, int64_t> languages;
  for (const store::Clip& clip : manifest.clips) {
    seconds += clip.duration_s;
    speech += clip.speech;
    with_text += clip.speech && clip.text.has_value();
    if (!clip.speaker.empty()) speakers.insert(clip.speaker);
    if (!clip.source.empty()) sources.insert(clip.source);
    if (!clip.language.empty()) ++languages[clip.language];
  }
  return {
      {"clips", manifest.clips.size()}, {"seconds", seconds},          {"speech", speech},
      {"with_text", with_text},         {"speakers", speakers.size()}, {"sources", sources.size()},
      {"languages", languages},         {"sha256", manifest.sha256}};
}

void get_data(const Context& context, const std::string& name) {
  const KnownCorpus& known = store::known_corpus(name);
  const auto path = store::get_corpus(known, context.progress);
  const OrderedJson counts = counted(store::read_manifest(path));
  if (context.common.json) {
    OrderedJson all = described(known);
    all["contents"] = counts;
    return context.print(all.dump(1));
  }
  const auto number = [&](const char* key) { return std::to_string(counts[key].get<int64_t>()); };
  std::string what = number("clips") + " clips, " + human_seconds(counts["seconds"].get<double>());
  if (counts["speech"].get<int64_t>() > 0)
    what += ", " + number("with_text") + " with text, " + number("speakers") + " speakers";
  if (counts["sources"].get<int64_t>() > 0) what += ", " + number("sources") + " sources";
  context.print(path.string() + "\n" + what);
}

class Data : public Verb {
 public:
  std::string usage() const override { return "list | get NAME"; }
  std::string example() const override { return "data get prompts"; }
  std::pair<int, int> positional() const override { return {1, 2}; }

  int run(const Context& context) override {
    const std::vector<std::string>& words = context.arguments;
    if (words[0] == "list" && words.size() == 1)
      list_data(context);
    else if (words[0] == "get" && words.size() == 2)
      get_data(context, words[1]);
    else
      return wrong_usage("data", usage(), words);
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_data() { return std::make_unique<Data>(); }

}  // namespace otoscope::cli
