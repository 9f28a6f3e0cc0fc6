#include "otoscope/io/npz.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "otoscope/core/errors.h"

namespace otoscope::io {
namespace {

constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint32_t kCentral = 0x02014b50, kLocal = 0x04034b50;
constexpr uint64_t kMembers = 65536;
constexpr uint64_t kDeflateRatio = 1032;  // the most that deflate reaches
constexpr const char* kHint = "the file is cut short or is not an .npz";

class Zip {
 public:
  Zip(Bytes file, std::string_view where) : file_(file), where_(where) {}

  [[noreturn]] void refuse(const std::string& problem, const char* hint = kHint) const {
    throw UserError(where_, problem, hint);
  }

  template <class T>
  T at(uint64_t offset) const {
    if (offset > file_.size() || sizeof(T) > file_.size() - offset)
      refuse("expected " + std::to_string(sizeof(T)) + " bytes at byte " + std::to_string(offset) +
             ", got the end of the file");
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }
  Bytes range(uint64_t offset, uint64_t size, const char* what) const {
    if (offset > file_.size() || size > file_.size() - offset)
      refuse(std::string("expected ") + what + " inside the file, got byte " +
             std::to_string(offset) + " and " + std::to_string(size) + " bytes");
    return file_.subspan(offset, size);
  }

  struct Directory {
    uint64_t members = 0, offset = 0;
  };
  /// From the record at the end, which a comment may follow.
  Directory directory() const {
    constexpr uint64_t kRecord = 22, kComment = 65535;
    if (file_.size() < kRecord)
      refuse("expected a zip, got " + std::to_string(file_.size()) + " bytes");
    const uint64_t last = file_.size() - kRecord;
    for (uint64_t offset = last;; --offset) {
      if (at<uint32_t>(offset) == kEnd && at<uint16_t>(offset + 20) == last - offset)
        return directory_at(offset);
      if (offset == 0 || last - offset >= kComment) break;
    }
    refuse("expected a zip with its directory at the end, got none");
  }

 private:
  Directory directory_at(uint64_t end) const {
    Directory found{at<uint16_t>(end + 10), at<uint32_t>(end + 16)};
    if (found.members != 0xFFFF && found.offset != 0xFFFFFFFF) return found;
    if (end < 20 || at<uint32_t>(end - 20) != kLocator64) return found;
    const auto record = at<uint64_t>(end - 20 + 8);
    if (at<uint32_t>(record) != kEnd64) refuse("expected a zip64 directory record, got none");
    return {at<uint64_t>(record + 32), at<uint64_t>(record + 48)};
  }

  Bytes file_;
  std::string where_;
};

struct Sizes {
  uint64_t packed, size, local;
};

/// Sizes that do not fit 32 bits stand in an extra field, in this order.
void read_zip64(const Zip& zip, Bytes extra, Sizes& sizes) {
  for (size_t at = 0; at + 4 <= extra.size();) {
    uint16_t id = 0, length = 0;
    std::memcpy(&id, extra.data() + at, 2);
    std::memcpy(&length, extra.data() + at + 2, 2);
    at += 4;
    if (length > extra.size() - at) break;
    size_t next = at;
    for (uint64_t* value : {&sizes.size, &sizes.packed, &sizes.local}) {
      if (id != 1 || *value != 0xFFFFFFFF) continue;
      if (next + 8 > at + length) zip.refuse("expected the sizes of a zip64 member, got none");
      std::memcpy(value, extra.data() + next, 8);
      next += 8;
    }
    at += length;
  }
}

std::string name_of(const Zip& zip, Bytes bytes) {
  std::string name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool outside = name.empty() || name[0] == '/' || name.find("..") != std::string::npos ||
                       name.find('\\') != std::string::npos || name.find('\0') != std::string::npos;
  if (outside) zip.refuse("expected names of arrays, got \"" + name.substr(0, 40) + "\"");
  if (!name.ends_with(".npy"))
    zip.refuse("expected .npy arrays alone, got a member " + name.substr(0, 40),
               "save it with numpy.savez");
  name.resize(name.size() - 4);
  return name;
}

}  // namespace

std::map<std::string, NpzMember> parse_npz(Bytes file, std::string_view where) {
  const Zip zip(file, where);
  const Zip::Directory directory = zip.directory();
  if (directory.members > kMembers)
    zip.refuse("expected at most " + std::to_string(kMembers) + " members, got " +
               std::to_string(directory.members));
  std::map<std::string, NpzMember> members;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.members; ++i) {
    if (zip.at<uint32_t>(at) != kCentral)
      zip.refuse("expected member " + std::to_string(i) + " of the directory at byte " +
                 std::to_string(at) + ", got none");
    const auto flags = zip.at<uint16_t>(at + 8), method = zip.at<uint16_t>(at + 10);
    const auto crc = zip.at<uint32_t>(at + 16);
    Sizes sizes{zip.at<uint32_t>(at + 20), zip.at<uint32_t>(at + 24), zip.at<uint32_t>(at + 42)};
    const uint64_t name_bytes = zip.at<uint16_t>(at + 28), extra_bytes = zip.at<uint16_t>(at + 30),
                   comment_bytes = zip.at<uint16_t>(at + 32);
    const std::string name = name_of(zip, zip.range(at + 46, name_bytes, "a name"));
    read_zip64(zip, zip.range(at + 46 + name_bytes, extra_bytes, "an extra field"), sizes);
    at += 46 + name_bytes + extra_bytes + comment_bytes;

    if ((flags & 1) != 0) zip.refuse("expected plain members, got an encrypted one: " + name, "");
    if (method != 0 && method != 8)
      zip.refuse("expected stored or deflated members, got method " + std::to_string(method) +
                     " at " + name,
                 "save it with numpy.savez or numpy.savez_compressed");
    if (method == 0 ? sizes.size != sizes.packed : sizes.size / kDeflateRatio > sizes.packed + 64)
      zip.refuse("expected a size that its bytes can hold at " + name + ", got " +
                 std::to_string(sizes.size) + " of " + std::to_string(sizes.packed));
    // The local header's extra field is its own: NumPy writes zip64 sizes there.
    if (zip.at<uint32_t>(sizes.local) != kLocal)
      zip.refuse("expected the header of " + name + " at byte " + std::to_string(sizes.local) +
                 ", got none");
    const uint64_t data =
        sizes.local + 30 + zip.at<uint16_t>(sizes.local + 26) + zip.at<uint16_t>(sizes.local + 28);
    NpzMember member{method == 8, sizes.size, crc, zip.range(data, sizes.packed, "an array")};
    if (!members.emplace(name, member).second)
      zip.refuse("expected each array once, got " + name + " twice");
  }
  return members;
}

Bytes unpack_member(const NpzMember& member, std::string& unpacked, std::string_view where) {
  if (!member.deflated) return member.packed;
  const auto refuse = [&](const char* got) {
    throw UserError(where, std::string("expected a deflated array, got ") + got,
                    "the file is damaged: save it again");
  };
  unpacked.clear();
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) refuse("no memory to unpack it");
  // By pieces, so that memory grows with what is really there and not with what is stated.
  const Bytes packed = member.packed;
  size_t taken = 0;
  int status = Z_OK;
  while (status == Z_OK && unpacked.size() <= member.size) {
    constexpr size_t kPiece = size_t{1} << 20;
    if (stream.avail_in == 0 && taken < packed.size()) {
      const size_t n = std::min(kPiece, packed.size() - taken);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + taken));
      stream.avail_in = static_cast<uInt>(n);
      taken += n;
    }
    const size_t before = unpacked.size();
    unpacked.resize(before + kPiece);
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + before);
    stream.avail_out = kPiece;
    status = inflate(&stream, Z_NO_FLUSH);
    unpacked.resize(before + kPiece - stream.avail_out);
    if (status == Z_BUF_ERROR && taken < packed.size()) status = Z_OK;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || unpacked.size() != member.size) refuse("bytes of another length");
  uLong crc = crc32(0, nullptr, 0);
  for (size_t at = 0; at < unpacked.size(); at += size_t{1} << 30)
    crc = crc32(crc, reinterpret_cast<const Bytef*>(unpacked.data() + at),
                static_cast<uInt>(std::min(size_t{1} << 30, unpacked.size() - at)));
  if (crc != member.crc32) refuse("bytes whose CRC-32 differs");
  return std::as_bytes(std::span(unpacked));
}

}  // namespace otoscope::io
