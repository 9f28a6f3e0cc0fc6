#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <utility>

#include "otoscope/core/errors.h"
#include "otoscope/io/ctranslate2.h"
#include "otoscope/io/hash.h"

namespace otoscope::io {
namespace {

constexpr uint32_t kBinaryVersion = 6;

class Output {
 public:
  explicit Output(const std::filesystem::path& path) : file_(path) {}

  void put(Bytes bytes) {
    file_.write(bytes);
    hash_.update(bytes);
  }
  template <class T>
  void number(T value) {
    put(std::as_bytes(std::span(&value, 1)));
  }
  /// u16 length that counts the final NUL, the bytes, the NUL.
  void text(std::string_view value) {
    OTO_ASSERT(value.size() < std::numeric_limits<uint16_t>::max());
    number(static_cast<uint16_t>(value.size() + 1));
    put(std::as_bytes(std::span(value)));
    number(uint8_t{0});
  }
  std::string commit() {
    file_.commit();
    return hash_.hex();
  }

 private:
  AtomicFile file_;
  Sha256 hash_;
};

uint8_t code_of(Dtype dtype) {
  constexpr Dtype kCodes[] = {Dtype::f32, Dtype::i8,  Dtype::i16,
                              Dtype::i32, Dtype::f16, Dtype::bf16};
  const auto* found = std::find(std::begin(kCodes), std::end(kCodes), dtype);
  OTO_ASSERT(found != std::end(kCodes));
  return static_cast<uint8_t>(found - std::begin(kCodes));
}

/// Takes out arrays that equal an earlier one and names them as aliases.
void alias_equal_arrays(std::vector<NamedTensor>& variables,
                        std::map<std::string, std::string>& aliases) {
  std::map<std::tuple<Dtype, std::string, std::string>, std::string> first;
  std::erase_if(variables, [&](const NamedTensor& variable) {
    if (variable.shape.rank() == 0) return false;
    const auto [known, fresh] = first.emplace(
        std::tuple(variable.dtype, variable.shape.str(), sha256(variable.bytes)), variable.name);
    if (!fresh) aliases[variable.name] = known->second;
    return !fresh;
  });
}

}  // namespace

std::string write_ctranslate2(const std::filesystem::path& path, std::string_view spec,
                              uint32_t revision, std::vector<NamedTensor> variables,
                              std::map<std::string, std::string> aliases) {
  static_assert(std::endian::native == std::endian::little);
  std::sort(variables.begin(), variables.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  for (const NamedTensor& variable : variables)
    if (variable.bytes.size() > std::numeric_limits<uint32_t>::max())
      throw UserError(path.string(),
                      "expected variables below 4 GiB, got " +
                          std::to_string(variable.bytes.size()) + " bytes of " + variable.name,
                      "CTranslate2's format ends there: write safetensors");
  alias_equal_arrays(variables, aliases);
  for (auto& [alias, name] : aliases)  // an alias names a variable, never another alias
    if (const auto moved = aliases.find(name); moved != aliases.end()) name = moved->second;

  Output out(path);
  out.number(kBinaryVersion);
  out.text(spec);
  out.number(revision);
  out.number(static_cast<uint32_t>(variables.size()));
  for (const NamedTensor& variable : variables) {
    out.text(variable.name);
    out.number(static_cast<uint8_t>(variable.shape.rank()));
    for (int i = 0; i < variable.shape.rank(); ++i)
      out.number(static_cast<uint32_t>(variable.shape[i]));
    out.number(code_of(variable.dtype));
    out.number(static_cast<uint32_t>(variable.bytes.size()));
    out.put(variable.bytes);
  }
  out.number(static_cast<uint32_t>(aliases.size()));
  for (const auto& [alias, name] : aliases) {
    out.text(alias);
    out.text(name);
  }
  return out.commit();
}

}  // namespace otoscope::io
