#include "serve/findings.h"

#include <algorithm>

#include "serve/audit.h"
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
                                 {"otoscope.steer", write_steering}};
constexpr const char* kHallucination = "otoscope.suppress";  // its sounds take time
constexpr const char* kAudit = "otoscope.audit";

/// The record's own page, where `otoscope audit report` has made it.
std::string page_of(const RunFiles& run, const Document& record) {
  const std::filesystem::path page = std::filesystem::path(record.file).replace_extension(".html");
  return std::filesystem::exists(run.folder / page) ? page.generic_string() : "";
}

}  // namespace

std::vector<std::string> linked_pages(const RunFiles& run) {
  std::vector<std::string> pages;
  if (const auto found = run.findings.find(kAudit); found != run.findings.end())
    for (const Document& document : found->second) pages.push_back(page_of(run, document));
  std::erase(pages, "");
  return pages;
}

bool has_findings(const RunFiles& run) {
  for (const SaeFiles& sae : run.saes)
    if (sae.categories) return true;
  for (const Section& section : kSections)
    if (run.findings.contains(section.schema)) return true;
  return run.findings.contains(kHallucination) || run.findings.contains(kAudit);
}

void write_findings(Html& html, const RunFiles& run, const std::vector<DescribedSae>& described,
                    const Document& facts, Progress& progress) {
  for (const SaeFiles& sae : run.saes) {
    if (!sae.categories) continue;
    const auto cards = std::find_if(described.begin(), described.end(),
                                    [&](const DescribedSae& one) { return one.files == &sae; });
    write_categories(html, sae, cards == described.end() ? nullptr : &*cards, facts,
                     static_cast<size_t>(cards - described.begin()), progress);
  }
  for (const Section& section : kSections)
    if (const auto found = run.findings.find(section.schema); found != run.findings.end())
      for (const Document& document : found->second) section.write(html, document);
  if (const auto found = run.findings.find(kHallucination); found != run.findings.end())
    for (const Document& document : found->second) write_hallucination(html, document, progress);
  if (const auto found = run.findings.find(kAudit); found != run.findings.end())
    for (const Document& document : found->second)
      write_audit_summary(html, document, page_of(run, document));
}

}  // namespace otoscope::serve
