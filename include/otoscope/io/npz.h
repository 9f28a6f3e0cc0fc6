#pragma once
/// NumPy's .npz: a zip of .npy arrays, stored (savez) or deflated (savez_compressed).

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "otoscope/io/file.h"
#include "otoscope/io/npy.h"

namespace otoscope::io {

struct NpzMember {
  bool deflated = false;
  uint64_t size = 0;   // of the array's file, unpacked
  uint32_t crc32 = 0;  // of the same
  Bytes packed;        // as they lie in the file
};

/// The central directory, checked against the file; names without ".npy". Zip64 is read; encrypted
/// members, other methods, names that are absolute or hold "..", sizes that deflate cannot reach
/// and more than 65,536 members are a UserError. Exposed for tests and fuzzing.
std::map<std::string, NpzMember> parse_npz(Bytes file, std::string_view where);

/// The bytes of an array's .npy: those of the file where they are stored (`unpacked` stays empty),
/// else inflated into `unpacked` and checked against their CRC-32.
Bytes unpack_member(const NpzMember& member, std::string& unpacked, std::string_view where);

}  // namespace otoscope::io
