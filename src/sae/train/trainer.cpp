#include <algorithm>
#include <chrono>
#include <map>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/sae/train.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {
namespace {

using Clock = std::chrono::steady_clock;

void multiply(View<float> x, double factor) {
  const auto f = static_cast<float>(factor);
  parallel_ranges(x.size(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] *= f;
  });
}

/// A batch from the source, with the step in the error if a row is not finite.
void fetch(const BatchSource& source, uint64_t seed, int64_t i, View<float> out) {
  try {
    source.batch(seed, i, out);
  } catch (const UserError& error) {
    throw UserError(error.where(),
                    error.problem() + " (training step " + std::to_string(i + 1) + ")",
                    "the last checkpoint is kept");
  }
}

/// SAEs that see the same batches: each batch is gathered once for all of them.
class Group {
 public:
  Group(const TrainData& data, const RunOptions& run, std::vector<Trainee*> trainees,
        Progress& progress, int64_t& done)
      : data_(data), run_(run), trainees_(std::move(trainees)), progress_(progress), done_(done) {}

  void train() {
    const TrainOptions& shared = trainees_.front()->options();
    const DataStart start = measure(data_, shared.seed_data, shared.batch);
    int64_t first = INT64_MAX, last = 0;
    for (Trainee* t : trainees_) {
      t->begin(start);
      done_ += t->step();
      first = std::min(first, t->step()), last = std::max(last, t->steps());
    }
    saved_ = Clock::now();
    Tensor<float> x({shared.batch, data_.input->d()}), y;
    if (data_.target != nullptr) y = Tensor<float>(Shape{shared.batch, data_.target->d()});
    for (int64_t i = first; i < last; ++i) {
      if (interrupt_requested()) {
        save_all();
        throw Interrupted();
      }
      fetch(*data_.input, shared.seed_data, i, x);
      multiply(x, start.s_in);
      if (data_.target != nullptr) {
        fetch(*data_.target, shared.seed_data, i, y);
        multiply(y, start.s_out);
      }
      step(i, x, data_.target != nullptr ? y.view() : x.view());
    }
    // Those whose checkpoint was of the very last step.
    for (Trainee* t : trainees_)
      if (!t->done()) t->finish();
  }

 private:
  void step(int64_t i, View<const float> x, View<const float> y) {
    for (Trainee* t : trainees_) {
      if (t->done() || t->step() != i) continue;
      const bool ends = i + 1 == t->steps();
      const bool logs = (i + 1) % run_.log_every == 0 || i == 0 || ends;
      t->advance(x, y, logs);
      ++done_;
      if (logs) {
        t->log();
        live_ = t->name() + " " + t->live();
      }
      progress_.advance(done_, live_);
      if (ends) t->finish();
    }
    const double since = std::chrono::duration<double>(Clock::now() - saved_).count();
    const bool by_steps = run_.checkpoint_steps > 0 && (i + 1) % run_.checkpoint_steps == 0;
    if (by_steps || since >= run_.checkpoint_seconds) save_all();
  }

  void save_all() {
    for (Trainee* t : trainees_)
      if (!t->done()) t->checkpoint();
    saved_ = Clock::now();
  }

  const TrainData& data_;
  const RunOptions& run_;
  std::vector<Trainee*> trainees_;
  Progress& progress_;
  int64_t& done_;
  std::string live_;
  Clock::time_point saved_;
};

}  // namespace

std::vector<Trained> train(const std::vector<TrainOptions>& grid, const TrainData& data,
                           const std::filesystem::path& out, const RunOptions& run,
                           Progress& progress) {
  OTO_ASSERT(data.input != nullptr && !grid.empty());
  if (data.target != nullptr && data.target->rows() != data.input->rows())
    throw UserError("--target",
                    "expected as many rows as the input's " + std::to_string(data.input->rows()) +
                        ", got " + std::to_string(data.target->rows()),
                    "extract both sites in one pass");
  // Of one site: what options count by.
  const int64_t d = data.input->d() / data.outputs();
  const int64_t d_out = data.target == nullptr ? d : data.target->d() / data.outputs();
  std::vector<std::unique_ptr<Trainee>> trainees;
  std::map<std::pair<uint64_t, int64_t>, std::vector<Trainee*>> groups;
  std::map<std::string, int> names;
  int64_t total = 0;
  for (const TrainOptions& options : grid) {
    if (data.several())
      check_several(options, data);
    else
      check_transcoder(options, data.target != nullptr);
    const TrainOptions resolved = resolve(options, d, d_out);
    const std::string name = kind_of(data) + name_of(resolved);
    if (names[name]++ > 0)
      throw UserError("--out", "two SAEs of the grid would both be called " + name,
                      "train them into different folders");
    trainees.push_back(std::make_unique<Trainee>(resolved, data, out / name));
    total += resolved.steps;
    if (!trainees.back()->done())
      groups[{resolved.seed_data, resolved.batch}].push_back(trainees.back().get());
  }
  std::vector<Trained> results;
  results.reserve(trainees.size());
  for (const auto& t : trainees)
    results.push_back({t->name(), t->folder(), t->done(), t->steps(), 0.0, ""});
  progress.start("train", total, "steps");
  int64_t done = 0;
  for (const auto& t : trainees)
    if (t->done()) done += t->steps();
  progress.advance(done);
  for (auto& [shared, members] : groups) Group(data, run, members, progress, done).train();
  for (size_t i = 0; i < trainees.size(); ++i) {
    Trained& one = results[i];
    one.seconds = trainees[i]->seconds();
    // One from before is read again: a finished folder may have been damaged since.
    one.sha256 = !one.reused      ? trainees[i]->hash()
                 : data.several() ? load_joint(one.folder).sae.hash
                                  : load(one.folder).hash;
  }
  progress.finish();
  return results;
}

}  // namespace otoscope::sae
