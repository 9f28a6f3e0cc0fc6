#include "cli/demo_audit_steps.h"

namespace otoscope::cli {

std::vector<DemoStep> audit_steps(const DemoFolders& folders) {
  const std::string keys = (folders.out / "audit" / "demo").string(),
                    record = (folders.out / "audit" / "nonspeech.json").string();
  return {
      {"audit-keys",
       "a pair of keys that sign",
       {"audit", "keygen", keys, "--keep"},
       keys + ".pub"},
      {"audit",
       "how often text where nobody speaks, through which features? A signed record",
       {"audit",
        "--model",
        kDemoModel,
        "--data",
        "nonspeech",
        "--mode",
        "text-on-nonspeech",
        "--sae",
        folders.batch.string(),
        "--speech",
        kDemoData,
        "--limit",
        "60",
        "--limit-choosing",
        "70",
        "--guard",
        "24",
        "--tokens",
        "32",
        "--circuit",
        "10",
        "--key",
        keys + ".key",
        "--out",
        record},
       record},
      {"audit-verify",
       "signature, hashes and numbers of the record",
       {"audit", "verify", record, "--key", keys + ".pub"},
       ""},
      {"audit-report",
       "the record as a page, as Markdown and for tools",
       {"audit", "report", record},
       (folders.out / "audit" / "nonspeech.html").string()},
  };
}

}  // namespace otoscope::cli
