#pragma once
/// What extractions of frames and of tokens share: the stores that are filled, and the hook that
/// fills them.

#include <vector>

#include "otoscope/model/hook.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/writer.h"
#include "store/extract_plan.h"
#include "store/window_audio.h"

namespace otoscope::store {

/// One site of the extraction and the store that it fills.
struct Target {
  model::Site site;
  Writer writer;
};

/// Writes rows of the sites that have not come so far yet.
class RowHook : public model::Hook {
 public:
  RowHook(const ExtractPlan& plan, std::vector<Target>& targets) : plan_(plan), targets_(targets) {}

  model::Want ask(const model::Site& site) override;
  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override;

  int64_t first_row = 0;  // of the present shard

 private:
  void write_frames(Writer& writer, int64_t window, View<const float> x);
  void write_tokens(Writer& writer, int64_t window, View<const float> x);

  const ExtractPlan& plan_;
  std::vector<Target>& targets_;
  std::vector<RowOrigin> origins_;
};

/// One forward of windows [begin, end), up to the last site that is still wanted; for tokens the
/// encoder's and then the decoder's, teacher-forced. Returns the seconds spent in the model.
double forward_windows(const model::Whisper& model, const ExtractPlan& plan, WindowAudio& source,
                       RowHook& hook, const model::Site& until, int64_t begin, int64_t end);

}  // namespace otoscope::store
