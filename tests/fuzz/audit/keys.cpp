// Any bytes as a key in PEM: refused, or a key whose own PEM is read as the same.
#include "otoscope/audit/keys.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  const std::string_view text = fuzzing::text_of(data, size);
  try {
    const audit::PublicKey key = audit::parse_public_key(text, "key.pub");
    if (audit::parse_public_key(audit::pem(key), "again") != key) __builtin_trap();
    audit::verify("message", text.substr(0, 64), key);
  } catch (const UserError& error) {
    if (error.where() == "again") __builtin_trap();
  }
  try {
    const audit::SecretKey key = audit::parse_secret_key(text, "key.key");
    if (!audit::verify("message", key.sign("message"), key.public_key())) __builtin_trap();
    if (audit::parse_secret_key(key.pem(), "again").public_key() != key.public_key())
      __builtin_trap();
  } catch (const UserError& error) {
    if (error.where() == "again") __builtin_trap();
  }
  return 0;
}
