#include <nlohmann/json.hpp>

#include "cli/usage_error.h"
#include "cli/verb.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"
#include "otoscope/model/registry.h"
#include "otoscope/model/site.h"
#include "otoscope/model/whisper.h"

namespace otoscope::cli {
namespace {

using io::OrderedJson;
using model::KnownModel;

struct ModelsOptions {
  int64_t shuffle_weights = -1;
  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("shuffle-weights", o.shuffle_weights,
      "show: permute every weight matrix by this seed (the control); -1 = as published");
  }
};

OrderedJson described(const KnownModel& known) {
  OrderedJson files = OrderedJson::array();
  for (const io::WantedFile& file : known.files) {
    OrderedJson sources = OrderedJson::array();
    for (const io::Source& source : file.sources) sources.push_back(io::source_name(source));
    files.push_back({{"name", file.name},
                     {"bytes", file.bytes},
                     {"sha256", file.sha256},
                     {"sources", sources}});
  }
  return {{"name", known.name},
          {"summary", known.summary},
          {"licence", known.licence},
          {"bytes", known.bytes()},
          {"fetched", model::is_fetched(known)},
          {"folder", model::model_folder(known).string()},
          {"files", files}};
}

void list_models(const Context& context) {
  if (context.common.json) {
    OrderedJson all = OrderedJson::array();
    for (const KnownModel& known : model::known_models()) all.push_back(described(known));
    return context.print(all.dump(1));
  }
  std::vector<std::vector<std::string>> rows = {{"name", "size", "here", "what"}};
  for (const KnownModel& known : model::known_models())
    rows.push_back({known.name, human_bytes(known.bytes()), model::is_fetched(known) ? "yes" : "no",
                    known.summary});
  std::string text = text_table(rows) + "\nSHA-256 of their files\n";
  for (const KnownModel& known : model::known_models())
    for (const io::WantedFile& file : known.files)
      text += file.sha256 + "  " + known.name + "/" + file.name + "\n";
  text.pop_back();
  context.print(text);
}

void get_models(const Context& context, const std::string& name) {
  const KnownModel& known = model::known_model(name);
  const auto folder = model::get_model(known, context.progress);
  if (context.common.json)
    context.print(described(known).dump(1));
  else
    context.print(folder.string());
}

/// The shape with the letters that methods.md uses for what a batch decides: B rows, T tokens.
OrderedJson shape_of(const model::Dims& dims, const model::Site& site) {
  const bool encoder = site.stack == model::Stack::encoder;
  const auto shape_for = [&](int64_t tokens) {
    const bool self =
        site.point == model::Point::attn_scores || site.point == model::Point::attn_pattern;
    const int64_t T = encoder ? dims.n_audio_ctx : tokens;
    return model::site_shape(dims, site, 1, T, self ? T : dims.n_audio_ctx);
  };
  const Shape some = shape_for(2), more = shape_for(3);
  OrderedJson shape = {"B"};
  for (int i = 1; i < some.rank(); ++i)
    if (some[i] == more[i])
      shape.push_back(some[i]);
    else
      shape.push_back("T");
  return shape;
}

std::string text_of(const OrderedJson& shape) {
  std::string text;
  for (const auto& size : shape)
    text += (text.empty() ? "(" : ", ") +
            (size.is_string() ? size.get<std::string>() : std::to_string(size.get<int64_t>()));
  return text + ")";
}

void show(const Context& context, const std::string& name, int64_t shuffle) {
  model::LoadOptions options;
  if (shuffle >= 0) options.shuffle_weights = static_cast<uint64_t>(shuffle);
  const model::Whisper whisper =
      model::Whisper::load(model::resolve_model(name), options, context.progress);
  const model::Dims& d = whisper.dims();
  const std::vector<std::pair<const char*, int>> sizes = {{"n_mels", d.n_mels},
                                                          {"n_audio_ctx", d.n_audio_ctx},
                                                          {"n_audio_state", d.n_audio_state},
                                                          {"n_audio_head", d.n_audio_head},
                                                          {"n_audio_layer", d.n_audio_layer},
                                                          {"n_vocab", d.n_vocab},
                                                          {"n_text_ctx", d.n_text_ctx},
                                                          {"n_text_state", d.n_text_state},
                                                          {"n_text_head", d.n_text_head},
                                                          {"n_text_layer", d.n_text_layer}};
  OrderedJson dims = OrderedJson::object(), sites = OrderedJson::array();
  std::vector<std::vector<std::string>> rows = {{"site", "shape", "kept in a store"}};
  for (const auto& [key, value] : sizes) dims[key] = value;
  for (const model::Site& site : model::all_sites(d)) {
    const OrderedJson shape = shape_of(d, site);
    const bool row = model::is_row_site(site);
    sites.push_back({{"site", model::site_name(site)}, {"shape", shape}, {"rows", row}});
    rows.push_back({model::site_name(site), text_of(shape), row ? "yes" : ""});
  }
  if (context.common.json) {
    const OrderedJson all = {{"name", name},
                             {"folder", whisper.folder().string()},
                             {"hash", whisper.hash()},
                             {"dims", dims},
                             {"sites", sites}};
    return context.print(all.dump(1));
  }
  std::string text = name + ", tensors " + whisper.hash().substr(0, 16) + "\n";
  for (const auto& [key, value] : sizes)
    text += "  " + std::string(key) + " " + std::to_string(value) + "\n";
  text += "\nB rows of a batch, T tokens\n" + text_table(rows);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  context.print(text);
}

class Models : public VerbWith<ModelsOptions> {
 public:
  std::string usage() const override { return "list | get NAME | show NAME-OR-FOLDER"; }
  std::string example() const override { return "models get whisper-base"; }
  std::pair<int, int> positional() const override { return {1, 2}; }

  int run(const Context& context) override {
    const std::vector<std::string>& words = context.arguments;
    if (words[0] == "list" && words.size() == 1)
      list_models(context);
    else if (words[0] == "get" && words.size() == 2)
      get_models(context, words[1]);
    else if (words[0] == "show" && words.size() == 2)
      show(context, words[1], options_.shuffle_weights);
    else
      return wrong_usage("models", usage(), words);
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_models() { return std::make_unique<Models>(); }

}  // namespace otoscope::cli
