#include "cli/trace_input.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "otoscope/core/errors.h"

namespace otoscope::cli {
namespace {

/// An id, or text that is one token with or without a space before it.
int64_t token_of(const std::string& text, const model::Tokenizer& tokenizer) {
  int64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error == std::errc() && stop == end) return id;
  for (const std::string& spelling : {" " + text, text}) {
    const std::vector<int64_t> ids = tokenizer.encode(spelling);
    if (ids.size() == 1) return ids[0];
  }
  throw UserError("--contrast", "expected one token, got '" + text + "', which is not one",
                  "give its id; transcribe --format json shows ids");
}

}  // namespace

circuits::Transcoders load_transcoders(const std::vector<std::string>& folders,
                                       const model::Dims& dims) {
  std::vector<sae::Sae> saes;
  std::vector<sae::Joint> cross_layer;
  const auto load = [&](const std::filesystem::path& folder) {
    if (std::filesystem::exists(folder / "cfg.json"))
      saes.push_back(sae::load(folder));
    else
      cross_layer.push_back(sae::load_joint(folder));
  };
  for (const std::filesystem::path folder : folders) {
    if (std::filesystem::exists(folder / "cfg.json") || sae::is_joint(folder)) {
      load(folder);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    if (std::filesystem::is_directory(folder))
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().filename() == "cfg.json" ||
            entry.path().filename() == "W_enc_0.safetensors")
          inside.push_back(entry.path().parent_path());
    if (inside.empty())
      throw UserError(folder.string(), "expected transcoders (cfg.json), got none",
                      "a cross-layer one has W_enc_0.safetensors instead");
    std::sort(inside.begin(), inside.end());
    for (const auto& path : inside) load(path);
  }
  return circuits::Transcoders(std::move(saes), dims, cross_layer);
}

std::pair<int64_t, int64_t> chosen_tokens(const circuits::Heard& heard, const TraceChoice& choice) {
  const auto written = static_cast<int64_t>(heard.tokens.size()) - heard.prompt;
  const bool span = !choice.span.empty();
  if (span && choice.span.size() != 2)
    throw UserError("--span",
                    "expected FIRST,END, got " + std::to_string(choice.span.size()) + " numbers");
  const int64_t first = span ? choice.span[0] : choice.token;
  const int64_t end = span ? choice.span[1] : first + 1;
  if (first < 0 || end <= first || end > written)
    throw UserError(span ? "--span" : "--token",
                    "expected places among the " + std::to_string(written) +
                        " tokens of the transcript, got " + std::to_string(first) +
                        (span ? " to " + std::to_string(end) : ""));
  return {heard.prompt + first, heard.prompt + end};
}

std::vector<circuits::LogitTarget> chosen_targets(View<const float> logits,
                                                  const model::Tokenizer& tokenizer,
                                                  const circuits::Heard& heard,
                                                  const TraceChoice& choice,
                                                  const circuits::TraceOptions& options) {
  if (!choice.span.empty()) {
    const auto [first, end] = chosen_tokens(heard, choice);
    return circuits::span_targets(logits, tokenizer, heard.tokens, first, end);
  }
  if (choice.contrast.empty())
    return circuits::likely_targets(logits, tokenizer, options.logit_share, options.max_logits);
  if (choice.contrast.size() != 2)
    throw UserError("--contrast",
                    "expected two tokens, got " + std::to_string(choice.contrast.size()));
  return {circuits::contrast_target(logits, tokenizer, token_of(choice.contrast[0], tokenizer),
                                    token_of(choice.contrast[1], tokenizer))};
}

}  // namespace otoscope::cli
