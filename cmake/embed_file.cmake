# Run at build time by otoscope_embed: INPUT -> OUTPUT, a .cpp that holds the bytes as SYMBOL.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
file(WRITE ${OUTPUT}.tmp "// Made from a file by cmake/embed_file.cmake.
#include <string_view>

namespace otoscope::embedded {
namespace {
const char kBytes[] = {${bytes}0};
}
extern const std::string_view ${SYMBOL};
const std::string_view ${SYMBOL}(kBytes, sizeof kBytes - 1);
}  // namespace otoscope::embedded
")
file(RENAME ${OUTPUT}.tmp ${OUTPUT})
