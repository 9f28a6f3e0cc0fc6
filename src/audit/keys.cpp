#include "otoscope/audit/keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "otoscope/audit/base64.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"

namespace otoscope::audit {
namespace {

namespace fs = std::filesystem;

// DER of everything before the 32 bytes (RFC 8410, §7 and §4).
constexpr std::string_view kSecretHead(
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
constexpr std::string_view kPublicHead("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr size_t kKeyBytes = 32;
constexpr int64_t kMostPem = 64 << 10;

void start_sodium() {
  static const int started = sodium_init();
  OTO_ASSERT(started >= 0);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string pem_of(std::string_view label, std::string_view der) {
  const std::string name(label);
  return "-----BEGIN " + name + "-----\n" + to_base64(der) + "\n-----END " + name + "-----\n";
}

/// The 32 bytes in a PEM file of one label.
std::array<uint8_t, kKeyBytes> parse_pem(std::string_view pem, std::string_view label,
                                         std::string_view head, std::string_view where) {
  const std::string what = label == "PUBLIC KEY" ? "a public Ed25519 key" : "a secret Ed25519 key";
  const auto refuse = [&](const std::string& got, const char* hint) -> void {
    throw UserError(where, "expected " + what + " in PEM, got " + got, hint);
  };
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  const size_t first = pem.find(begin);
  if (first == std::string_view::npos) {
    if (pem.find("PRIVATE KEY-----") != std::string_view::npos)
      refuse("a secret key", "give the .pub file, and keep the other to yourself");
    if (pem.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos)
      refuse("a public key", "signing needs the .key file");
    refuse("something else", "`otoscope audit keygen --out NAME` makes a pair");
  }
  const size_t last = pem.find(end, first);
  if (last == std::string_view::npos) refuse("one that does not end", "copy the whole file");
  std::string base64;
  for (const char c : pem.substr(first + begin.size(), last - first - begin.size()))
    if (c != '\n' && c != '\r') base64 += c;
  std::string der = from_base64(base64, where);
  if (der.size() != head.size() + kKeyBytes || !std::string_view(der).starts_with(head))
    refuse("another kind of key", "Ed25519 is the only kind used here");
  std::array<uint8_t, kKeyBytes> key{};
  std::copy_n(bytes_of(der) + head.size(), kKeyBytes, key.begin());
  sodium_memzero(der.data(), der.size());
  sodium_memzero(base64.data(), base64.size());
  return key;
}

/// Readable by its owner alone from its first byte on.
void write_secret(const fs::path& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (written) return;
  if (file >= 0) ::unlink(path.c_str());
  throw UserError(path.string(), std::string("cannot be written: ") + std::strerror(error));
}

}  // namespace

std::string PublicKey::id() const {
  return io::sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

SecretKey::SecretKey(const std::array<uint8_t, 32>& seed) {
  start_sodium();
  crypto_sign_ed25519_seed_keypair(public_.bytes.data(), bytes_.data(), seed.data());
}

SecretKey::~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_), public_(other.public_) {
  sodium_memzero(other.bytes_.data(), other.bytes_.size());
}

std::string SecretKey::sign(std::string_view message) const {
  std::string signature(crypto_sign_ed25519_BYTES, '\0');
  crypto_sign_ed25519_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                               bytes_of(message), message.size(), bytes_.data());
  return signature;
}

std::string SecretKey::pem() const {
  std::string der(kSecretHead);
  der.append(reinterpret_cast<const char*>(bytes_.data()), kKeyBytes);  // the seed comes first
  return pem_of("PRIVATE KEY", der);
}

SecretKey make_key() {
  start_sodium();
  std::array<uint8_t, kKeyBytes> seed{};
  randombytes_buf(seed.data(), seed.size());
  SecretKey key(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

bool verify(std::string_view message, std::string_view signature, const PublicKey& key) {
  start_sodium();
  return signature.size() == crypto_sign_ed25519_BYTES &&
         crypto_sign_ed25519_verify_detached(bytes_of(signature), bytes_of(message), message.size(),
                                             key.bytes.data()) == 0;
}

std::string pem(const PublicKey& key) {
  std::string der(kPublicHead);
  der.append(reinterpret_cast<const char*>(key.bytes.data()), kKeyBytes);
  return pem_of("PUBLIC KEY", der);
}

PublicKey parse_public_key(std::string_view pem, std::string_view where) {
  return {parse_pem(pem, "PUBLIC KEY", kPublicHead, where)};
}

SecretKey parse_secret_key(std::string_view pem, std::string_view where) {
  auto seed = parse_pem(pem, "PRIVATE KEY", kSecretHead, where);
  SecretKey key(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

PublicKey read_public_key(const fs::path& path) {
  return parse_public_key(io::read_file(path, kMostPem), path.string());
}

SecretKey read_secret_key(const fs::path& path) {
  return parse_secret_key(io::read_file(path, kMostPem), path.string());
}

KeyFiles write_keys(const fs::path& stem, const SecretKey& key) {
  KeyFiles files{stem.string() + ".key", stem.string() + ".pub"};
  for (const fs::path& path : {files.secret, files.shared})
    if (fs::exists(path))
      throw UserError(path.string(),
                      "is there already, and a key that is lost cannot be made again",
                      "give another name");
  if (!stem.parent_path().empty()) io::make_folder(stem.parent_path());
  write_secret(files.secret, key.pem());
  try {
    io::write_file(files.shared, pem(key.public_key()));
  } catch (...) {  // half a pair would stand in the way of the next try
    fs::remove(files.secret);
    throw;
  }
  return files;
}

}  // namespace otoscope::audit
