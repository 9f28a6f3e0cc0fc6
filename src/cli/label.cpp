#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/labels/check_alignment.h"
#include "otoscope/labels/exchange.h"
#include "otoscope/labels/make_labels.h"
#include "otoscope/labels/sounds.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

struct LabelVerbOptions {
  std::string data, out, from, labels, to, mix_with, ctm_kind = "word";
  int check_alignment = 0;
  labels::MakeOptions make;
  labels::MixOptions mix;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("data", o.data, "manifest of the corpus, or the name of a fetched one (prompts)");
    v("out", o.out, "folder that labels.jsonl and summary.json are written into");
    labels::MakeOptions::visit(o.make, v);
    v("mix-with", o.mix_with,
      "manifest or name of a corpus of noise (nonspeech): mix it into the clips first, at known "
      "levels; the noisy corpus is OUT/manifest.jsonl");
    labels::MixOptions::visit(o.mix, v);
    v("check-alignment", o.check_alignment,
      "make no labels: measure the alignment on so many clips a language, into "
      "OUT/alignment.json",
      Range{0, 10'000});
    v("from", o.from,
      "do not make labels: take them from a .TextGrid, .ctm, .rttm or .jsonl, or a "
      "folder of TextGrids");
    v("labels", o.labels, "do not make labels: write these (a labels.jsonl) as files of --to");
    v("to", o.to, "with --labels: the form to write into --out",
      Choices{{"textgrid", "ctm", "rttm"}});
    v("table-kind", o.ctm_kind, "the kind that a .ctm holds, read or written");
  }
};

class Label : public VerbWith<LabelVerbOptions> {
 public:
  std::string example() const override { return "label --data prompts --out runs/demo/labels"; }

  int run(const Context& context) override {
    if (options_.out.empty())
      throw UserError("--out", "expected a folder, got none", "try --out labels");
    if (!options_.labels.empty()) return write(context);
    if (options_.data.empty())
      throw UserError("--data", "expected a manifest, got none", "try --data prompts");
    auto manifest = store::resolve_manifest(options_.data);
    if (options_.check_alignment > 0) return check(context, manifest);
    if (!options_.mix_with.empty())
      manifest =
          labels::mix_corpus(manifest, store::resolve_manifest(options_.mix_with), options_.out,
                             options_.mix, context.common.seed, context.progress);
    const labels::LabelSummary summary =
        options_.from.empty()
            ? labels::make_labels(manifest, options_.out, options_.make, context.progress)
            : labels::import_labels(options_.from, manifest, options_.out, options_.ctm_kind);
    print(context, summary);
    return 0;
  }

 private:
  int check(const Context& context, const std::filesystem::path& manifest) const {
    std::optional<model::Whisper> whisper;
    if (!options_.make.align_model.empty())
      whisper =
          model::Whisper::load(options_.make.align_model, {Precision::bf16, {}}, context.progress);
    const labels::Aligner aligner({options_.make.voice, options_.make.keep_score},
                                  whisper ? &*whisper : nullptr);
    labels::CheckAlignmentOptions how;
    how.clips = options_.check_alignment;
    how.seed = context.common.seed;
    const labels::AlignmentCheck check =
        labels::check_alignment(aligner, whisper ? &*whisper : nullptr,
                                store::read_manifest(manifest).clips, how, context.progress);
    const std::string json = to_json(check).dump(1);
    io::make_folder(options_.out);
    io::write_file(std::filesystem::path(options_.out) / "alignment.json", json + "\n");
    if (context.common.json) {
      context.print(json);
      return 0;
    }
    std::vector<std::vector<std::string>> rows = {
        {"begins of", "language", "n", "median", "90th percentile", "bias", "missing"}};
    const auto add = [&](const char* what, const auto& by_language) {
      for (const auto& [language, one] : by_language)
        rows.push_back({what, language, std::to_string(one.median_ms.n),
                        fmt::format("{:.1f} ms ({:.1f} to {:.1f})", one.median_ms.value,
                                    one.median_ms.low, one.median_ms.high),
                        fmt::format("{:.1f} ms ({:.1f} to {:.1f})", one.p90_ms.value,
                                    one.p90_ms.low, one.p90_ms.high),
                        fmt::format("{:+.1f} ms", one.bias_ms), std::to_string(one.missing)});
    };
    add("phones, other voices", check.phones_of_voices);
    add("words, other voices", check.words_of_voices);
    add("words, against Whisper's", check.words_of_whisper);
    context.print(text_table(rows) + "\n" +
                  fmt::format("kept: {:.3f} of {} recordings with their text, {:.3f} of {} with "
                              "another one (score at least {:.3f}; AUROC {:.3f})",
                              check.right_kept.value, check.right_kept.n, check.wrong_kept.value,
                              check.wrong_kept.n, check.keep_score, check.auroc));
    return 0;
  }

  int write(const Context& context) const {
    if (options_.to.empty())
      throw UserError("--to", "expected a form, got none", "one of textgrid, ctm, rttm");
    const auto files =
        labels::export_labels(options_.labels, options_.to, options_.out, options_.ctm_kind);
    if (context.common.json)
      context.print(nlohmann::ordered_json{{"files", files}, {"out", options_.out}}.dump(1));
    else
      context.print(fmt::format("{}: {} file{}", options_.out, files, files == 1 ? "" : "s"));
    return 0;
  }

  static void print(const Context& context, const labels::LabelSummary& summary) {
    if (context.common.json) {
      auto json = to_json(summary);
      json["labels"] = summary.labels.string();
      json["reused"] = summary.reused;
      context.print(json.dump(1));
      return;
    }
    std::vector<std::vector<std::string>> rows = {{"kind", "clips", "labels", "values", "known"}};
    for (const auto& [kind, count] : summary.kinds)
      rows.push_back({std::string(audio::label_kind_name(kind)), std::to_string(count.clips),
                      std::to_string(count.labels), std::to_string(count.values.size()),
                      human_seconds(count.seconds_known)});
    std::string text = fmt::format("{}: {} clips, {}{}\n", summary.labels.string(), summary.clips,
                                   human_seconds(summary.seconds),
                                   summary.reused ? " (made before of the same inputs)" : "");
    text += text_table(rows);
    for (const auto& [reason, clips] : summary.left_out)
      text += fmt::format("\nleft out: {} clips, {}", clips, reason);
    for (const auto& [language, words] : summary.words)
      text += fmt::format(
          "\nwords of {}: {}, of which {} not in the dictionary, {} ambiguous (they carry the "
          "set), "
          "{} spelled otherwise",
          language, words.words, words.unknown, words.ambiguous, words.spelled_otherwise);
    for (const auto& check : summary.dictionaries)
      text += fmt::format(
          "\n{} concepts of {} texts; {}: a dictionary confirms {} of {} (of shuffled ones {} of "
          "{})",
          summary.concepts, summary.concepts_learned_on, check.pair, check.confirmed, check.known,
          check.control_confirmed, check.control_known);
    if (summary.unknown_phones > 0)
      text += fmt::format("\nphones that the table of sounds lacks: {}", summary.unknown_phones);
    for (const std::string& note : summary.notes) text += "\nnote: " + note;
    context.print(text);
  }
};

}  // namespace

std::unique_ptr<Verb> make_label() { return std::make_unique<Label>(); }

}  // namespace otoscope::cli
