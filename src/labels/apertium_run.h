#pragma once
/// Apertium's programs on files of a temporary folder.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/labels/analysers.h"

namespace otoscope::labels {

/// Where Debian puts a package's data.
std::filesystem::path apertium_folder(std::string_view package);

/// The tokens of every line of a program's output file.
std::vector<std::vector<Token>> read_stream(const std::filesystem::path& file);

/// Runs command(input file, output file) on `input` and reads what it wrote.
std::vector<std::vector<Token>> apertium_lines(
    const std::function<std::vector<std::string>(const std::string& in, const std::string& out)>&
        command,
    std::string_view input);

}  // namespace otoscope::labels
