#include "otoscope/serve/check.h"

#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "serve/bound_number.h"

namespace otoscope::serve {
namespace {

std::string unescaped(std::string text) {
  const std::pair<const char*, const char*> entities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : entities)
    for (size_t at = 0; (at = text.find(entity, at)) != std::string::npos; ++at)
      text.replace(at, std::string(entity).size(), character);
  return text;
}

std::string attribute(std::string_view tag, const std::string& name) {
  const std::string key = " " + name + "=\"";
  const size_t begin = tag.find(key);
  if (begin == std::string_view::npos) return {};
  const size_t from = begin + key.size(), end = tag.find('"', from);
  return end == std::string_view::npos ? std::string{}
                                       : unescaped(std::string(tag.substr(from, end - from)));
}

class Checker {
 public:
  explicit Checker(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void compare(std::string_view tag, const std::string& shown) {
    ++check_.numbers;
    const std::string file = attribute(tag, "data-file"), pointer = attribute(tag, "data-pointer"),
                      format = attribute(tag, "data-format"), value = attribute(tag, "value");
    const std::string where = file + pointer;
    try {
      const io::Json& json = document(file);
      const io::Json::json_pointer place(pointer);
      if (!json.contains(place) || !json.at(place).is_number()) {
        check_.problems.push_back(where + ": no number there");
        return;
      }
      const io::Json& truth = json.at(place);
      if (truth.dump() != value)
        check_.problems.push_back(where + ": the report says " + value + ", the file says " +
                                  truth.dump());
      else if (!known_format(format))
        check_.problems.push_back(where + ": no format of numbers is called " + format);
      else if (formatted(truth.get<double>(), format) != shown)
        check_.problems.push_back(where + ": shown as " + shown + ", which is not " + value +
                                  " in format " + format);
    } catch (const std::exception& error) {
      check_.problems.push_back(where + ": " + error.what());
    }
  }

  void bare_numeral(std::string_view cell) {
    check_.problems.push_back("a table cell holds a numeral that is bound to nothing: " +
                              std::string(cell.substr(0, 60)));
  }

  ReportCheck take() { return std::move(check_); }

 private:
  const io::Json& document(const std::string& file) {
    auto found = documents_.find(file);
    if (found == documents_.end())
      found = documents_.emplace(file, io::read_json(io::inside(folder_, file, "report"))).first;
    return found->second;
  }

  std::filesystem::path folder_;
  std::map<std::string, io::Json> documents_;
  ReportCheck check_;
};

}  // namespace

ReportCheck check_report(std::string_view html, const std::filesystem::path& folder) {
  Checker checker(folder);
  bool in_cell = false, in_data = false;
  std::string_view data_tag;
  std::string text;
  for (size_t i = 0; i < html.size();) {
    if (html[i] != '<') {
      const size_t end = std::min(html.find('<', i), html.size());
      const std::string_view run = html.substr(i, end - i);
      if (in_data)
        text += run;
      else if (in_cell)
        for (const char c : run)
          if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
            checker.bare_numeral(run);
            break;
          }
      i = end;
      continue;
    }
    const size_t end = html.find('>', i);
    if (end == std::string_view::npos) break;
    const std::string_view tag = html.substr(i, end - i + 1);
    if (tag.substr(0, 6) == "<data ") {
      in_data = true, data_tag = tag, text.clear();
    } else if (tag == "</data>" && in_data) {
      in_data = false;
      checker.compare(data_tag, unescaped(text));
    } else if (tag.substr(0, 4) == "<td>" || tag.substr(0, 4) == "<td ") {
      in_cell = true;
    } else if (tag == "</td>") {
      in_cell = false;
    }
    i = end + 1;
  }
  return checker.take();
}

}  // namespace otoscope::serve
