#include "otoscope/store/extract.h"

#include <algorithm>
#include <chrono>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/store/writer.h"
#include "store/extract_plan.h"
#include "store/window_audio.h"

namespace otoscope::store {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One site of the extraction and the store that it fills.
struct Target {
  model::Site site;
  Writer writer;
};

/// Writes the valid rows of the sites that have not come so far yet.
class RowHook : public model::Hook {
 public:
  RowHook(const ExtractPlan& plan, std::vector<Target>& targets) : plan_(plan), targets_(targets) {}

  model::Want ask(const model::Site& site) override {
    for (const Target& target : targets_)
      if (target.site == site && target.writer.rows_done() <= first_row)
        return model::Want::observe;
    return model::Want::none;
  }

  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override {
    for (Target& target : targets_)
      if (target.site == site) write(target.writer, rows, x);
  }

  int64_t first_row = 0;  // of the present shard

 private:
  void write(Writer& writer, const model::Rows& rows, View<const float> x) {
    for (int64_t b = 0; b < rows.B; ++b) {
      const int64_t w = rows.item[static_cast<size_t>(b)];
      for (const audio::Placement& placement : plan_.windows[static_cast<size_t>(w)]) {
        origins_.clear();
        for (int64_t f = 0; f < placement.frames(); ++f)
          origins_.push_back({static_cast<int32_t>(placement.clip),
                              static_cast<int32_t>(placement.first_frame() + f),
                              static_cast<int32_t>(w),
                              static_cast<int16_t>(placement.position() + f)});
        writer.append(origins_, x.sub(b).slice(placement.position(),
                                               placement.position() + placement.frames()));
      }
    }
  }

  const ExtractPlan& plan_;
  std::vector<Target>& targets_;
  std::vector<RowOrigin> origins_;
};

/// In the order in which a forward reaches them, each once.
std::vector<model::Site> checked_sites(const model::Dims& dims,
                                       const std::vector<model::Site>& sites) {
  if (sites.empty())
    throw UserError("--site", "expected at least one site, got none", "for example encoder.out");
  for (const model::Site& site : sites) {
    const std::string name = model::site_name(site);
    if (!model::is_row_site(site))
      throw UserError("--site", "expected a site with one row a frame, got " + name,
                      "streams such as encoder.blocks.0.resid_post are");
    if (site.stack != model::Stack::encoder)
      throw UserError("--site", "expected a site of the encoder, got " + name,
                      "rows of tokens are not extracted yet");
    if (model::site_positions(dims, site) != dims.n_audio_ctx)
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
  Header header;
  header.site = model::site_name(site);
  header.model_name = model_name;
  header.model_hash = model.hash();
  header.d = model::site_width(model.dims(), site);
  header.dtype = options.store;
  header.precision = model.precision() == Precision::f32 ? "f32" : "bf16";
  header.packed = options.pack;
  header.padding = options.padding;
  header.clusters_by_speaker = by_speaker;
  header.plan = std::move(conditions);
  return header;
}

/// One forward of windows [begin, end), up to the last site that is still wanted.
void run_batch(const model::Whisper& model, const ExtractPlan& plan, WindowAudio& source,
               RowHook& hook, const model::Site& until, int64_t begin, int64_t end,
               ExtractReport& report) {
  const Tensor<float> mel = source.log_mel(begin, end);
  std::vector<int64_t> item;
  std::vector<int32_t> valid;
  for (int64_t w = begin; w < end; ++w) {
    item.push_back(w);
    const audio::Placement& last = plan.windows[static_cast<size_t>(w)].back();
    valid.push_back(static_cast<int32_t>(last.position() + last.frames()));
  }
  model::Rows rows;
  rows.B = end - begin;
  rows.item = item;
  rows.valid = valid;
  model::Hook* const hooks[] = {&hook};
  const auto start = Clock::now();
  model.encode(mel.view(), rows, hooks, until);
  report.forward_s += seconds_since(start);
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
  const auto conditions = conditions_of(clips, options, window_samples);
  io::make_folder(out);
  const io::FolderLock lock(out);

  ExtractReport report;
  report.clips = static_cast<int64_t>(clips.size());
  std::vector<Header> headers;
  bool all_there = true;
  int64_t widest = 1, total_width = 0;
  for (const model::Site& site : ordered) {
    headers.push_back(header_of(model, model_name, site, options, by_speaker, conditions));
    all_there = finished_store(out / headers.back().site, headers.back()) && all_there;
    widest = std::max(widest, headers.back().d);
    total_width += headers.back().d;
  }
  if (all_there) {
    const Store there = Store::open(out / headers[0].site);
    report.rows = there.rows();
    for (const Item& item : there.items()) report.audio_s += item.duration_s;
    report.windows = report.rows > 0 ? there.origin(report.rows - 1).window + 1 : 0;
    report.reused = true;
    return report;
  }

  const ExtractPlan plan = plan_extraction(clips, options, window_samples, by_speaker, progress);
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
        run_batch(model, plan, source, hook, *until, w, end, report);
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
