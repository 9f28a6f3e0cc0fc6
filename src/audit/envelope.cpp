#include "otoscope/audit/envelope.h"

#include <nlohmann/json.hpp>

#include "otoscope/audit/base64.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;
using io::OrderedJson;

constexpr size_t kMostSignatures = 64, kMostSubjects = 65536;

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string pae(std::string_view type, std::string_view payload) {
  std::string text = "DSSEv1 " + std::to_string(type.size()) + " ";
  text += type;
  text += " " + std::to_string(payload.size()) + " ";
  text += payload;
  return text;
}

Envelope seal(std::string payload, std::string_view type, const SecretKey& key) {
  Envelope envelope{std::move(payload), std::string(type), {}};
  envelope.signatures.push_back(
      {key.public_key().id(), key.sign(pae(envelope.payload_type, envelope.payload))});
  return envelope;
}

bool signed_by(const Envelope& envelope, const PublicKey& key) {
  const std::string message = pae(envelope.payload_type, envelope.payload);
  for (const Signature& signature : envelope.signatures)
    if (verify(message, signature.bytes, key)) return true;
  return false;
}

Envelope parse_envelope(std::string_view text, std::string_view where) {
  const Json json = io::parse_json(text, where);
  Envelope envelope;
  envelope.payload = from_base64(io::string_at(json, "payload", where), where);
  envelope.payload_type = io::string_at(json, "payloadType", where);
  const Json& signatures = io::member_at(json, "signatures", where);
  if (!signatures.is_array() || signatures.empty() || signatures.size() > kMostSignatures)
    throw UserError(where, "expected 1 to 64 signatures, got " +
                               (signatures.is_array() ? std::to_string(signatures.size())
                                                      : std::string(signatures.type_name())));
  for (const Json& one : signatures) {
    const bool named = one.is_object() && one.contains("keyid");
    envelope.signatures.push_back({named ? io::string_at(one, "keyid", where) : "",
                                   from_base64(io::string_at(one, "sig", where), where)});
  }
  return envelope;
}

std::string envelope_text(const Envelope& envelope) {
  OrderedJson json{{"payload", to_base64(envelope.payload)},
                   {"payloadType", envelope.payload_type},
                   {"signatures", OrderedJson::array()}};
  for (const Signature& signature : envelope.signatures)
    json["signatures"].push_back({{"keyid", signature.keyid}, {"sig", to_base64(signature.bytes)}});
  return json.dump() + "\n";
}

std::string statement_text(const std::vector<Subject>& subjects, const OrderedJson& predicate) {
  OrderedJson json{{"_type", kStatementType}, {"subject", OrderedJson::array()}};
  for (const Subject& subject : subjects)
    json["subject"].push_back({{"name", subject.name}, {"digest", {{"sha256", subject.sha256}}}});
  json["predicateType"] = kPredicateType;
  json["predicate"] = predicate;
  return json.dump();
}

Statement parse_statement(const Json& payload, std::string_view where) {
  const std::string type = io::string_at(payload, "_type", where);
  if (type != kStatementType)
    throw UserError(where, "expected " + std::string(kStatementType) + ", got " + type);
  Statement statement;
  statement.predicate_type = io::string_at(payload, "predicateType", where);
  const Json& subjects = io::member_at(payload, "subject", where);
  if (!subjects.is_array() || subjects.empty() || subjects.size() > kMostSubjects)
    throw UserError(where, "expected a list of 1 to 65536 subjects");
  for (const Json& one : subjects) {
    Subject subject{io::string_at(one, "name", where),
                    io::string_at(io::member_at(one, "digest", where), "sha256", where)};
    if (!is_sha256(subject.sha256))
      throw UserError(where, "expected a SHA-256 for " + subject.name + ", got something else");
    statement.subjects.push_back(std::move(subject));
  }
  return statement;
}

}  // namespace otoscope::audit
