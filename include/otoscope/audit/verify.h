#pragma once
/// Does a signed record hold? Signature, form, schema, hashes of every file it names, and the
/// numbers that follow from other numbers.

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/audit/files.h"
#include "otoscope/audit/keys.h"

namespace otoscope::audit {

struct Finding {
  std::string what;  // "signature", "model/model.bin"
  bool holds = false;
  std::string says;  // why not, or what was compared
};

struct Verified {
  std::vector<Finding> findings;
  std::string record;  // what the signature covers, as JSON; empty where there is none
  bool holds() const;
};

/// Where the files that a record names are now; an empty path: as the record says.
struct Whereabouts {
  std::filesystem::path model, data, speech, mode;
  std::vector<std::filesystem::path> saes;
};

/// The two files of an audit: NAME.json, what people read, and NAME.intoto.jsonl, the envelope.
struct RecordFiles {
  std::filesystem::path record, envelope, cases;
};
RecordFiles record_files(const std::filesystem::path& either);

/// Signs a record: the statement's predicate is the record, its subjects are the record's own file,
/// the cases, and every file of model, SAEs, data and mode. Returns the envelope's text.
std::string seal_record(const nlohmann::ordered_json& record, const std::string& record_text,
                        const std::string& cases_text, const RecordFiles& files,
                        const SecretKey& key);

/// UserError where there is no envelope to look at; all else is a finding. A file that is missing
/// is a finding that does not hold.
Verified verify_record(const std::filesystem::path& either, const PublicKey& key,
                       const Whereabouts& where = {});

/// What a repeated audit gives against the record: one finding a number with an interval (is the
/// new value inside the old interval?), and the verdict.
std::vector<Finding> compare_rerun(const nlohmann::ordered_json& before,
                                   const nlohmann::ordered_json& after);

}  // namespace otoscope::audit
