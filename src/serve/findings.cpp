#include "serve/findings.h"

#include "serve/categories.h"
#include "serve/hallucination.h"
#include "serve/steering.h"
#include "serve/structure.h"

namespace otoscope::serve {
namespace {

struct Section {
  const char* schema;
  void (*write)(Html&, const Document&);
};

constexpr Section kSections[] = {{"otoscope.decompose", write_decomposition},
                                 {"otoscope.crosslingual", write_crosslingual},
                                 {"otoscope.stability", write_stability},
                                 {"otoscope.steer", write_steering},
                                 {"otoscope.suppress", write_hallucination}};

}  // namespace

bool has_findings(const RunFiles& run) {
  for (const SaeFiles& sae : run.saes)
    if (sae.categories) return true;
  for (const Section& section : kSections)
    if (run.findings.contains(section.schema)) return true;
  return false;
}

void write_findings(Html& html, const RunFiles& run) {
  for (const SaeFiles& sae : run.saes)
    if (sae.categories) write_categories(html, *sae.categories, sae.title());
  for (const Section& section : kSections)
    if (const auto found = run.findings.find(section.schema); found != run.findings.end())
      for (const Document& document : found->second) section.write(html, document);
}

}  // namespace otoscope::serve
