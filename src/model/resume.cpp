#include "otoscope/model/resume.h"

#include "otoscope/model/whisper.h"

namespace otoscope::model {

std::optional<Site> resume_before(const Site& site) {
  if (site.stack == Stack::decoder) return {};
  if (can_resume_at(site)) return site;
  if (site.block < 0) return {};
  const bool mlp = site.point > Point::resid_mid;
  return Site{site.stack, mlp ? Point::resid_mid : Point::resid_pre, site.block};
}

}  // namespace otoscope::model
