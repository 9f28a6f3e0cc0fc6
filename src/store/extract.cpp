#include "otoscope/store/extract.h"

#include <algorithm>
#include <chrono>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/writer.h"
#include "store/extract_plan.h"
#include "store/extract_rows.h"
#include "store/window_audio.h"

namespace otoscope::store {
namespace {

using Clock = std::chrono::steady_clock;

const std::string kForcedCondition = "forced=";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// In the order in which a forward reaches them, each once.
std::vector<model::Site> checked_sites(const model::Dims& dims,
                                       const std::vector<model::Site>& sites) {
  if (sites.empty())
    throw UserError("--site", "expected at least one site, got none", "for example encoder.out");
  for (const model::Site& site : sites) {
    const std::string name = model::site_name(site);
    if (!model::is_row_site(site))
      throw UserError("--site", "expected a site with one row a frame or token, got " + name,
                      "streams such as encoder.blocks.0.resid_post are");
    if (site.stack != sites.front().stack)
      throw UserError("--site", "expected sites of the encoder or of the decoder, got both",
                      "frames and tokens are different rows: extract twice");
    if (site.stack == model::Stack::encoder &&
        model::site_positions(dims, site) != dims.n_audio_ctx)
      throw UserError("--site", "expected a site of 20 ms frames, got " + name + " (10 ms)",
                      "encoder.conv2 is the first one");
  }
  std::vector<model::Site> ordered;
  for (const model::Site& site : model::all_sites(dims))
    if (std::find(sites.begin(), sites.end(), site) != sites.end()) ordered.push_back(site);
  return ordered;
}

Header header_of(const model::Whisper& model, const std::string& model_name,
                 const model::Site& site, const ExtractOptions& options, bool by_speaker,
                 std::vector<std::string> conditions) {
  const bool tokens = site.stack == model::Stack::decoder;
  Header header;
  header.site = model::site_name(site);
  header.model_name = model_name;
  header.model_hash = model.hash();
  header.unit = tokens ? "token" : "frame";
  header.context = !tokens ? "" : options.forced == "own" ? kOwnContext : kForcedContext;
  header.d = model::site_width(model.dims(), site);
  header.dtype = options.store;
  header.precision = model.precision() == Precision::f32 ? "f32" : "bf16";
  header.packed = options.pack;
  header.padding = options.padding;
  header.clusters_by_speaker = by_speaker;
  header.plan = std::move(conditions);
  return header;
}

/// Stores of tokens keep no windows: each item had one.
int64_t windows_of(const Store& store) {
  if (store.rows() == 0) return 0;
  if (store.unit() != "token") return store.origin(store.rows() - 1).window + 1;
  return std::count_if(store.items().begin(), store.items().end(),
                       [](const Item& item) { return item.n_rows > 0; });
}

}  // namespace

ExtractReport extract(const model::Whisper& model, const std::string& model_name,
                      const std::vector<model::Site>& sites, const std::vector<Clip>& corpus,
                      const ExtractOptions& options, const std::filesystem::path& out,
                      Progress& progress) {
  const auto start = Clock::now();
  const std::vector<model::Site> ordered = checked_sites(model.dims(), sites);
  const int64_t window_samples = int64_t{model.dims().n_audio_ctx} * audio::kFrameSamples;
  const bool by_speaker = clusters_by_speaker(corpus);
  const std::vector<Clip> clips = selected(corpus, options);
  auto conditions = conditions_of(clips, options, window_samples);
  const bool tokens = ordered.front().stack == model::Stack::decoder;
  if (tokens && options.pack)
    throw UserError("--pack", "expected decoder sites without it, got both",
                    "the decoder must hear one clip alone to be forced with its text");
  // What the model writes is fixed by the other conditions: minutes of hearing it again would
  // teach nothing about a store that is finished.
  const bool own = tokens && options.forced == "own";
  std::vector<Forced> forced;
  if (tokens && !own) {
    forced = forced_of(clips, model, model::load_tokenizer(model, progress));
    conditions.push_back(kForcedCondition + hash_of(forced));
  }

  ExtractReport report;
  report.clips = static_cast<int64_t>(clips.size());
  std::vector<Header> headers;
  bool all_there = true;
  int64_t widest = 1, total_width = 0;
  for (const model::Site& site : ordered) {
    headers.push_back(header_of(model, model_name, site, options, by_speaker, conditions));
    all_there =
        finished_store(out / headers.back().site, headers.back(), own ? kForcedCondition : "") &&
        all_there;
    widest = std::max(widest, headers.back().d);
    total_width += headers.back().d;
  }
  if (all_there) {
    const Store there = Store::open(out / headers[0].site);
    report.rows = there.rows();
    for (const Item& item : there.items()) report.audio_s += item.duration_s;
    report.windows = windows_of(there);
    report.reused = true;
    return report;
  }

  if (own) {
    forced =
        own_text_of(clips, model, model::load_tokenizer(model, progress), options.batch, progress);
    for (Header& header : headers) header.plan.push_back(kForcedCondition + hash_of(forced));
  }
  io::make_folder(out);
  const io::FolderLock lock(out);
  const ExtractPlan plan =
      tokens ? plan_tokens(clips, std::move(forced), options, window_samples, by_speaker, progress)
             : plan_extraction(clips, options, window_samples, by_speaker, progress);
  report.rows = plan.first_row.back();
  report.windows = static_cast<int64_t>(plan.windows.size());
  for (const Item& item : plan.items) report.audio_s += item.duration_s;
  std::vector<Target> targets;
  for (size_t i = 0; i < ordered.size(); ++i)
    targets.push_back({ordered[i], Writer(out / headers[i].site, headers[i], plan.items)});

  // Open shards of all sites lie in memory: many sites make smaller shards.
  const int64_t width = std::max(widest, total_width / 8);
  const auto shards = shard_starts(plan, options, width);
  RowHook hook(plan, targets);
  WindowAudio source(
      plan, window_samples, model.dims().n_mels,
      options.padding == "mel_zero" ? audio::Padding::mel_zero : audio::Padding::waveform_zero);
  progress.start("extracting", report.windows, "windows");
  for (size_t s = 0; s + 1 < shards.size(); ++s) {
    hook.first_row = plan.first_row[static_cast<size_t>(shards[s])];
    const model::Site* until = nullptr;
    for (const Target& target : targets)
      if (target.writer.rows_done() <= hook.first_row && !target.writer.finished())
        until = &target.site;
    if (until != nullptr)
      for (int64_t w = shards[s]; w < shards[s + 1]; w += options.batch) {
        throw_if_interrupted();
        const int64_t end = std::min<int64_t>(shards[s + 1], w + options.batch);
        report.forward_s += forward_windows(model, plan, source, hook, *until, w, end);
        progress.advance(end);
      }
    for (Target& target : targets) target.writer.end_shard();
    progress.advance(shards[s + 1]);
  }
  progress.finish();
  for (Target& target : targets) target.writer.finish();
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace otoscope::store
