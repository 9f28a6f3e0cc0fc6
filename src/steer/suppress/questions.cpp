#include "steer/suppress/questions.h"

#include "otoscope/core/errors.h"

namespace otoscope::steer {

std::vector<Detected> ask_questions(const Setting& setting, const Gathered& gathered) {
  Question speech{"nobody speaks (sounds against speech)", {}, {}};
  Question text{"text is left after Whisper's own filter (among sounds)", {}, {}};
  for (size_t i = 0; i < gathered.windows.size(); ++i) {
    const bool sound = !gathered.windows[i].speech;
    speech.rows.push_back(static_cast<int64_t>(i));
    speech.positive.push_back(sound ? 1 : 0);
    if (!sound) continue;
    text.rows.push_back(static_cast<int64_t>(i));
    text.positive.push_back(gathered.all.heard[i].kept() ? 1 : 0);
  }
  DetectOptions options;
  options.seed = setting.options.seed;
  std::vector<Detected> found;
  for (const Question* question : {&speech, &text})
    found.push_back(
        detect(*question, gathered.windows, gathered.all, setting.saes, options, setting.progress));
  if (!found[0].answered())
    throw UserError("suppress",
                    "expected sounds and speech in train, dev and test: " + found[0].why_not,
                    "give more windows");
  return found;
}

}  // namespace otoscope::steer
