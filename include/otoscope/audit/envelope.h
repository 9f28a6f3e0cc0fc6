#pragma once
/// A signed statement: an in-toto Statement v1 in a DSSE envelope (DSSE 1.0.2), one line of JSON.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audit/keys.h"

namespace otoscope::audit {

inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
/// What the predicate of our statements is: an audit record (docs/audit.md).
inline constexpr std::string_view kPredicateType = "https://otoscope.example/audit/v1";

struct Signature {
  std::string keyid;  // a hint, never a decision
  std::string bytes;
};

struct Envelope {
  std::string payload, payload_type;
  std::vector<Signature> signatures;
};

/// What is signed: "DSSEv1 LEN(type) type LEN(payload) payload".
std::string pae(std::string_view type, std::string_view payload);
Envelope seal(std::string payload, std::string_view type, const SecretKey& key);
bool signed_by(const Envelope& envelope, const PublicKey& key);

/// Unknown fields are ignored, as DSSE asks; both alphabets of base64 are read. No signatures, a
/// missing field, text after the end: UserError "[where] …".
Envelope parse_envelope(std::string_view json, std::string_view where);
/// The one form in which otoscope writes an envelope: fields in this order, no spaces, one newline.
std::string envelope_text(const Envelope& envelope);

/// A file that the statement is about.
struct Subject {
  std::string name;  // relative to the envelope, or a name for people where it lies elsewhere
  std::string sha256;
};

/// The statement's bytes: they are what is signed.
std::string statement_text(const std::vector<Subject>& subjects,
                           const nlohmann::ordered_json& predicate);

struct Statement {
  std::vector<Subject> subjects;
  std::string predicate_type;
};
/// UserError for anything but an in-toto Statement v1 with subjects that have a SHA-256.
Statement parse_statement(const nlohmann::json& payload, std::string_view where);

}  // namespace otoscope::audit
