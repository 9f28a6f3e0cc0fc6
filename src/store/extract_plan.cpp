#include "store/extract_plan.h"

#include <algorithm>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/hash.h"
#include "store/clip_reader.h"

namespace otoscope::store {
namespace {

/// Clips are measured by bunches, so that progress is told and ctrl-C heard on the caller's thread.
std::vector<int64_t> measure(const std::vector<Clip>& clips, Progress& progress) {
  std::vector<int64_t> samples(clips.size());
  const auto n = static_cast<int64_t>(clips.size());
  constexpr int64_t kBunch = 64;
  progress.start("measuring clips", n, "clips");
  for (int64_t begin = 0; begin < n; begin += kBunch) {
    const int64_t end = std::min(n, begin + kBunch);
    parallel_ranges(end - begin, 1, [&](int64_t from, int64_t to) {
      for (int64_t i = begin + from; i < begin + to; ++i)
        samples[static_cast<size_t>(i)] = count_samples(clips[static_cast<size_t>(i)]);
    });
    progress.advance(end);
  }
  progress.finish();
  return samples;
}

void tell_of_short_clips(const std::vector<Clip>& clips, const std::vector<int64_t>& samples,
                         Progress& progress) {
  int64_t shorter = 0;
  const Clip* example = nullptr;
  for (size_t i = 0; i < clips.size(); ++i) {
    const double missing = clips[i].duration_s - audio::seconds_of_samples(samples[i]);
    if (missing <= audio::kFrameSeconds) continue;
    ++shorter;
    if (example == nullptr) example = &clips[i];
  }
  if (shorter > 0)
    progress.note(std::to_string(shorter) +
                  " clips are shorter than the manifest says, the first is " + example->id);
}

Item item_of(const Clip& clip, int64_t samples, bool by_speaker) {
  Item item;
  item.id = clip.id;
  item.path = clip.path.string();
  item.language = clip.language;
  item.speaker = clip.speaker;
  item.split = clip.split;
  item.prompt_id = clip.prompt_id;
  item.cluster = cluster_of(clip, by_speaker);
  item.text = clip.text.value_or("");
  item.offset_s = clip.offset_s;
  item.duration_s = audio::seconds_of_samples(samples);
  item.speech = clip.speech;
  return item;
}

}  // namespace

std::vector<Clip> selected(const std::vector<Clip>& clips, const ExtractOptions& options) {
  std::map<int, std::vector<size_t>> corpora;
  for (size_t i = 0; i < clips.size(); ++i)
    if (options.split == "all" || clips[i].split == options.split)
      corpora[clips[i].corpus].push_back(i);
  std::vector<size_t> kept;
  for (auto& [corpus, members] : corpora) {
    std::stable_sort(members.begin(), members.end(), [&](size_t a, size_t b) {
      return std::pair(name_hash(clips[a].id), clips[a].id) <
             std::pair(name_hash(clips[b].id), clips[b].id);
    });
    if (options.limit > 0)
      members.resize(std::min(members.size(), static_cast<size_t>(options.limit)));
    kept.insert(kept.end(), members.begin(), members.end());
  }
  std::sort(kept.begin(), kept.end());
  std::vector<Clip> chosen;
  for (const size_t i : kept) chosen.push_back(clips[i]);
  return chosen;
}

std::vector<std::string> conditions_of(const std::vector<Clip>& clips,
                                       const ExtractOptions& options, int64_t window_samples) {
  io::Sha256 hash;
  for (const Clip& clip : clips) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(clip.path, missing);
    for (const std::string& part :
         {clip.id, clip.path.string(), std::to_string(clip.offset_s),
          std::to_string(clip.duration_s), clip.language, clip.speaker, clip.split, clip.prompt_id,
          clip.text.value_or(""), std::to_string(static_cast<int>(clip.speech)),
          std::to_string(missing ? 0 : size)})
      hash.update(part + '\n');
  }
  return {"clips=" + hash.hex(),
          "window=" + std::to_string(window_samples),
          "batch=" + std::to_string(options.batch),
          "shard-mb=" + std::to_string(options.shard_mb),
          "shift-ms=" + std::to_string(options.pack ? 0 : options.shift_ms),
          "pack-seed=" + std::to_string(options.pack ? options.pack_seed : 0)};
}

ExtractPlan plan_extraction(const std::vector<Clip>& clips, const ExtractOptions& options,
                            int64_t window_samples, bool by_speaker, Progress& progress) {
  const std::vector<int64_t> samples = measure(clips, progress);
  tell_of_short_clips(clips, samples, progress);
  std::vector<audio::PackClip> lengths;
  // Frames of one window attend to each other, so splits do not share windows either.
  for (size_t i = 0; i < clips.size(); ++i)
    lengths.push_back({samples[i], clips[i].language + '\n' + clips[i].split});

  ExtractPlan plan;
  plan.windows =
      options.pack
          ? audio::pack(lengths, {.window_samples = window_samples, .seed = options.pack_seed})
          : audio::place_alone(lengths, window_samples,
                               int64_t{options.shift_ms} * audio::kSampleRate / 1000);

  std::map<int64_t, int64_t> item_of_clip;
  int64_t row = 0;
  for (audio::Window& window : plan.windows) {
    plan.first_row.push_back(row);
    for (audio::Placement& placement : window) {
      const auto c = static_cast<size_t>(placement.clip);
      const auto [known, fresh] =
          item_of_clip.emplace(placement.clip, static_cast<int64_t>(plan.items.size()));
      if (fresh) {
        plan.items.push_back(item_of(clips[c], samples[c], by_speaker));
        plan.items.back().first_row = row;
        plan.clips.push_back(clips[c]);
        plan.order.push_back(c);
      }
      placement.clip = known->second;
      plan.items[static_cast<size_t>(known->second)].n_rows += placement.frames();
      row += placement.frames();
    }
  }
  plan.first_row.push_back(row);
  for (size_t i = 0; i < clips.size(); ++i) {
    if (samples[i] > 0) continue;  // empty clips are items without rows, at the end
    plan.items.push_back(item_of(clips[i], 0, by_speaker));
    plan.items.back().first_row = row;
    plan.clips.push_back(clips[i]);
    plan.order.push_back(i);
  }
  return plan;
}

ExtractPlan plan_tokens(const std::vector<Clip>& clips, std::vector<Forced> forced,
                        const ExtractOptions& options, int64_t window_samples, bool by_speaker,
                        Progress& progress) {
  ExtractPlan plan = plan_extraction(clips, options, window_samples, by_speaker, progress);
  if (plan.windows.empty())
    throw UserError("--data", "expected clips with audio for decoder sites, got none");
  for (const size_t clip : plan.order) plan.forced.push_back(std::move(forced[clip]));
  int64_t row = 0;
  for (Item& item : plan.items) item.n_rows = 0;
  for (size_t w = 0; w < plan.windows.size(); ++w) {
    Item& item = plan.items[static_cast<size_t>(plan.windows[w].front().clip)];
    if (item.n_rows > 0)
      throw UserError(item.path,
                      "expected clips of at most " +
                          std::to_string(window_samples / audio::kSampleRate) +
                          " s for decoder sites, got " + std::to_string(item.duration_s) + " s",
                      "leave such clips out with --longest, or cut them with `offset` and "
                      "`duration` in the manifest");
    plan.first_row[w] = item.first_row = row;
    item.n_rows = plan.forced_of(static_cast<int64_t>(w)).rows();
    row += item.n_rows;
  }
  for (Item& item : plan.items)
    if (item.n_rows == 0) item.first_row = row;
  plan.first_row.back() = row;
  return plan;
}

std::vector<int64_t> shard_starts(const ExtractPlan& plan, const ExtractOptions& options,
                                  int64_t width) {
  const int64_t batch = options.batch;
  const int64_t limit = (int64_t{options.shard_mb} << 20) / (options.store == "f16" ? 2 : 4);
  const auto n = static_cast<int64_t>(plan.windows.size());
  std::vector<int64_t> starts = {0};
  for (int64_t window = 0; window < n; window += batch) {
    const int64_t rows = plan.first_row[static_cast<size_t>(std::min(n, window + batch))] -
                         plan.first_row[static_cast<size_t>(starts.back())];
    if (rows * width >= limit || window + batch >= n) starts.push_back(std::min(n, window + batch));
  }
  return starts;
}

}  // namespace otoscope::store
