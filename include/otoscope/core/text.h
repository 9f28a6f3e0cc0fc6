#pragma once
/// Small text helpers shared by messages and parsers.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope {

/// Levenshtein distance over bytes.
int edit_distance(std::string_view a, std::string_view b);

/// Up to `count` names closest to `name`, for "did you mean" hints; the nearest first.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> known,
                                       int count = 3);

/// "a, b, c"
std::string join(std::span<const std::string> parts, std::string_view separator = ", ");
std::vector<std::string> split(std::string_view text, char separator);
std::string trimmed(std::string_view text);
/// What lies between spaces.
std::vector<std::string> spaced_words(std::string_view text);

/// "145.2 MB" (powers of ten, as disks are sold)
std::string human_bytes(int64_t bytes);
/// "1 h 02 min", "3 min 20 s", "12 s"
std::string human_seconds(double seconds);

}  // namespace otoscope
