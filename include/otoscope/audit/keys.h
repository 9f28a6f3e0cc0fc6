#pragma once
/// Ed25519 keys (RFC 8032, by libsodium) as PEM files that openssl and Python's cryptography read:
/// the secret key in PKCS#8, the public one as SubjectPublicKeyInfo (RFC 8410).

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace otoscope::audit {

struct PublicKey {
  std::array<uint8_t, 32> bytes{};
  /// SHA-256 of the 32 bytes, in hexadecimal: what envelopes call the key by.
  std::string id() const;
  bool operator==(const PublicKey&) const = default;
};

/// Wiped when it goes.
class SecretKey {
 public:
  explicit SecretKey(const std::array<uint8_t, 32>& seed);
  ~SecretKey();
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&&) = delete;

  const PublicKey& public_key() const { return public_; }
  /// 64 bytes over exactly these bytes.
  std::string sign(std::string_view message) const;
  std::string pem() const;

 private:
  std::array<uint8_t, 64> bytes_{};
  PublicKey public_;
};

SecretKey make_key();
/// False for any other message, key or signature; a signature of another length is never right.
bool verify(std::string_view message, std::string_view signature, const PublicKey& key);

std::string pem(const PublicKey& key);
/// Other kinds of keys, a secret key in place of a public one and the reverse, broken base64:
/// UserError "[where] …".
PublicKey parse_public_key(std::string_view pem, std::string_view where);
SecretKey parse_secret_key(std::string_view pem, std::string_view where);
PublicKey read_public_key(const std::filesystem::path& path);
SecretKey read_secret_key(const std::filesystem::path& path);

struct KeyFiles {
  std::filesystem::path secret, shared;  // STEM.key (only its owner may read it), STEM.pub
};
/// UserError where one of the two is there already: a lost key cannot be made again.
KeyFiles write_keys(const std::filesystem::path& stem, const SecretKey& key);

}  // namespace otoscope::audit
