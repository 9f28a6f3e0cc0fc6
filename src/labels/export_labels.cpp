#include <fmt/format.h>

#include "otoscope/audio/label_lines.h"
#include "otoscope/audio/label_tables.h"
#include "otoscope/audio/textgrid.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/labels/exchange.h"

namespace otoscope::labels {

namespace fs = std::filesystem;

int64_t export_labels(const fs::path& labels, std::string_view to, const fs::path& out,
                      std::string_view table_kind) {
  const auto clips = audio::read_label_lines(labels);
  io::make_folder(out);
  if (to == "textgrid") {
    for (const auto& clip : clips) {
      const fs::path file = io::inside(out, clip.id + ".TextGrid", labels.string());
      io::make_folder(file.parent_path());
      io::write_file(file, audio::textgrid_text(audio::textgrid_of(clip)));
    }
    return static_cast<int64_t>(clips.size());
  }
  const auto kind = audio::label_kind_named("--table-kind", table_kind);
  if (to == "ctm")
    io::write_file(out / "labels.ctm", audio::ctm_text(clips, kind));
  else if (to == "rttm")
    io::write_file(out / "labels.rttm", audio::rttm_text(clips));
  else
    throw UserError("--to", fmt::format("expected textgrid, ctm or rttm, got \"{}\"", to));
  return 1;
}

}  // namespace otoscope::labels
