#include "otoscope/store/levels.h"

#include <algorithm>
#include <cmath>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/level.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::store {

RowLevels row_levels(const Store& store, Split split, Progress& progress) {
  RowLevels levels;
  if (store.unit() != "frame") return levels;
  levels.db.assign(static_cast<size_t>(store.rows()), NAN);
  levels.silent.assign(static_cast<size_t>(store.rows()), 0);
  const auto& items = store.items();
  std::vector<uint8_t> wanted(items.size(), 0);
  for (const int64_t row : store.rows_of(split))
    wanted[static_cast<size_t>(store.origin(row).item)] = 1;
  int64_t done = 0;
  progress.start("measure loudness", std::count(wanted.begin(), wanted.end(), uint8_t{1}), "clips");
  for (size_t i = 0; i < items.size(); ++i) {
    throw_if_interrupted();
    const Item& item = items[i];
    if (wanted[i] == 0) continue;
    std::vector<float> pcm;
    try {
      pcm = audio::decode_file(item.path, item.offset_s,
                               item.duration_s > 0 ? item.duration_s : -1.0);
    } catch (const UserError& error) {
      progress.note(std::string("loudness of one clip is unknown: ") + error.what());
    }
    float loudest = audio::kQuietestDb;
    for (int64_t row = item.first_row; row < item.first_row + item.n_rows; ++row) {
      const float level = audio::level_db(pcm, {store.origin(row).frame});
      levels.db[static_cast<size_t>(row)] = level;
      if (level > loudest) loudest = level;
    }
    for (int64_t row = item.first_row; row < item.first_row + item.n_rows; ++row)
      levels.silent[static_cast<size_t>(row)] =
          levels.db[static_cast<size_t>(row)] < loudest - audio::kSilenceBelowPeakDb;
    progress.advance(++done);
  }
  progress.finish();
  return levels;
}

std::vector<int64_t> speech_among(const Store& store, Split split, Progress& progress) {
  const std::vector<int64_t> rows = store.rows_of(split);
  std::vector<int64_t> speech;
  if (rows.empty()) return speech;  // nothing is decoded for a split without rows
  const RowLevels levels = row_levels(store, split, progress);
  if (levels.db.empty()) return speech;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<size_t>(rows[i]);
    const Item& item = store.items()[static_cast<size_t>(store.origin(rows[i]).item)];
    if (item.speech && std::isfinite(levels.db[row]) && levels.silent[row] == 0)
      speech.push_back(static_cast<int64_t>(i));
  }
  return speech;
}

}  // namespace otoscope::store
