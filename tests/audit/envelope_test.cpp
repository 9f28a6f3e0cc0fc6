#include "otoscope/audit/envelope.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "otoscope/audit/base64.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::audit {
namespace {

using testing::error_of;

std::string file(const char* name) { return io::read_file(testing::golden("audit") / name); }
SecretKey golden_key() { return parse_secret_key(file("key.key"), "key.key"); }
PublicKey golden_public() { return parse_public_key(file("key.pub"), "key.pub"); }

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a signature has the bytes that PyNaCl gives") {
  const auto golden = io::read_json(testing::golden("audit") / "signed.json");
  const auto bytes = [&](const char* key) {
    return from_base64(golden.at(key).get<std::string>(), key);
  };
  const SecretKey key = golden_key();
  CHECK(std::string(key.public_key().bytes.begin(), key.public_key().bytes.end()) ==
        bytes("public"));
  CHECK(key.public_key() == golden_public());
  CHECK(pae(kPayloadType, bytes("payload")) == bytes("pae"));
  CHECK(key.sign(bytes("pae")) == bytes("signature"));
  CHECK(verify(bytes("pae"), bytes("signature"), golden_public()));
}

TEST_CASE("base64 gives the published vectors, and takes them back") {  // RFC 4648, section 10
  for (const auto& [bytes, text] : {std::pair("", ""),
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foobar", "Zm9vYmFy"}}) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text, "x") == bytes);
  }
}

TEST_CASE("what DSSE signs is the published example") {
  CHECK(pae("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  CHECK(pae("", "") == "DSSEv1 0  0 ");
}

TEST_CASE("envelopes of securesystemslib are read, spelled either way, and no other key fits") {
  for (const char* name : {"securesystemslib.json", "url_safe.json"}) {
    const Envelope envelope = parse_envelope(file(name), name);
    CHECK(envelope.payload_type == kPayloadType);
    CHECK(signed_by(envelope, golden_public()));
    CHECK_FALSE(signed_by(envelope, parse_public_key(file("other.pub"), "other.pub")));
    const Statement statement = parse_statement(io::parse_json(envelope.payload, name), name);
    REQUIRE(statement.subjects.size() == 1);
    CHECK(statement.subjects[0].name == "model.bin");
    CHECK(statement.predicate_type == "https://example.com/anything/v1");
  }
}

TEST_CASE("an envelope that is written is read again, in one form only") {
  const SecretKey key = make_key();
  const std::string payload =
      statement_text({{"model.bin", std::string(64, 'a')}}, {{"text", "\xC3\xA9"}, {"n", 1.5}});
  const std::string text = envelope_text(seal(payload, kPayloadType, key));
  CHECK(text.find('\n') == text.size() - 1);
  const Envelope again = parse_envelope(text, "again");
  CHECK(again.payload == payload);
  CHECK(signed_by(again, key.public_key()));
  CHECK(envelope_text(again) == text);
  CHECK(again.signatures[0].keyid == key.public_key().id());
}

TEST_CASE("any changed byte of an envelope breaks it, its signature or its form") {
  const SecretKey key = golden_key();
  const std::string text =
      envelope_text(seal(statement_text({{"model.bin", std::string(64, 'a')}}, {{"claim", "text"}}),
                         kPayloadType, key));
  int64_t unseen = 0;
  for (size_t i = 0; i < text.size(); ++i)
    for (const int bit : {0, 1, 5}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      try {
        const Envelope envelope = parse_envelope(changed, "changed");
        if (signed_by(envelope, key.public_key()) && envelope_text(envelope) == changed &&
            envelope.signatures[0].keyid == key.public_key().id())
          ++unseen;
      } catch (const UserError&) {
      }
    }
  CHECK(unseen == 0);
}

TEST_CASE("keys are kept apart by name and never overwritten, and the secret one is its owner's") {
  const testing::TemporaryFolder folder;
  const SecretKey key = make_key();
  const KeyFiles files = write_keys(folder.path() / "keys" / "mine", key);
  struct stat status {};
  REQUIRE(::stat(files.secret.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(read_public_key(files.shared) == key.public_key());
  CHECK(read_secret_key(files.secret).public_key() == key.public_key());
  CHECK(mentions(error_of([&] { write_keys(folder.path() / "keys" / "mine", make_key()); }),
                 "is there already"));
  CHECK(read_public_key(files.shared) == key.public_key());
  CHECK(!(make_key().public_key() == make_key().public_key()));
}

TEST_CASE("other files where a key belongs are told apart") {
  CHECK(mentions(error_of([] { parse_public_key(file("key.key"), "k"); }), "got a secret key"));
  CHECK(mentions(error_of([] { parse_secret_key(file("key.pub"), "k"); }), "got a public key"));
  CHECK(mentions(error_of([] { parse_public_key(file("rsa.pub"), "k"); }), "another kind of key"));
  CHECK(mentions(error_of([] { parse_public_key("", "k"); }), "got something else"));
  CHECK(mentions(error_of([] { parse_public_key("-----BEGIN PUBLIC KEY-----\n", "k"); }),
                 "does not end"));
  CHECK(mentions(error_of([] {
                   parse_public_key("-----BEGIN PUBLIC KEY-----\n?\n-----END PUBLIC KEY-----\n",
                                    "k");
                 }),
                 "base64"));
}

TEST_CASE("broken envelopes and statements are one line each") {
  const auto envelope = [](const char* text) {
    return error_of([&] { parse_envelope(text, "e"); });
  };
  CHECK(mentions(envelope("{"), "[e] expected JSON"));
  CHECK(mentions(envelope("[]"), "payload"));
  CHECK(mentions(envelope(R"({"payload": "", "payloadType": "t", "signatures": []})"),
                 "1 to 64 signatures"));
  CHECK(mentions(envelope(R"({"payload": "=", "payloadType": "t", "signatures": [{"sig": ""}]})"),
                 "base64"));
  CHECK(mentions(envelope(R"({"payload": "", "payloadType": "t", "signatures": [{"sig": 1}]})"),
                 "sig"));
  const auto statement = [](const char* text) {
    return error_of([&] { parse_statement(io::parse_json(text, "s"), "s"); });
  };
  CHECK(mentions(statement(R"({"_type": "https://in-toto.io/Statement/v0.1"})"), "Statement/v1"));
  CHECK(mentions(statement(R"({"_type": "https://in-toto.io/Statement/v1", "predicateType": "p",
                               "subject": [{"name": "x", "digest": {"sha256": "xyz"}}]})"),
                 "SHA-256"));
}

}  // namespace otoscope::audit
