#include "cli/demo_audit_steps.h"

namespace otoscope::cli {
namespace {

/// What is written is decided here (docs/audit.md).
constexpr const char* kLastBlock = "decoder.blocks.5.resid_post";

}  // namespace

std::vector<DemoStep> audit_steps(const DemoFolders& folders) {
  const std::filesystem::path audit = folders.out / "audit", heard = audit / "activations",
                              saes = audit / "sae";
  const std::string keys = (audit / "demo").string(), record = (audit / "nonspeech.json").string(),
                    last = (saes / "batchtopk-512-k16").string();
  return {
      {"audit-keys",
       "a pair of keys that sign",
       {"audit", "keygen", keys, "--keep"},
       keys + ".pub"},
      // Of the train split alone: the audit tests on other sounds.
      {"audit-extract",
       "the last block of the decoder, while it writes on sounds and on speech",
       {"extract", "--model", kDemoModel, "--site", kLastBlock, "--data",
        std::string("nonspeech,") + kDemoData, "--forced", "own", "--split", "train", "--limit",
        "60", "--precision", "bf16", "--out", heard.string()}},
      {"audit-train",
       "its features",
       {"train", "--activations", (heard / kLastBlock).string(), "--out", saes.string(), "--arch",
        "batchtopk", "--k", "16", "--latents", "512", "--steps", "200", "--batch", "512"}},
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
        folders.batch.string() + "," + last,
        "--speech",
        kDemoData,
        "--limit",
        "50",
        "--limit-choosing",
        "50",
        "--guard",
        "16",
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
