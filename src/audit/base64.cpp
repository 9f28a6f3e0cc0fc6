#include "otoscope/audit/base64.h"

#include <sodium.h>

#include "otoscope/core/errors.h"

namespace otoscope::audit {

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

std::string from_base64(std::string_view text, std::string_view where) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE}) {
    size_t n = 0;
    const char* end = nullptr;
    const int failed =
        sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &n, &end, variant);
    if (failed == 0 && end == text.data() + text.size()) {
      bytes.resize(n);
      return bytes;
    }
  }
  throw UserError(where, "expected base64, got something else");
}

}  // namespace otoscope::audit
