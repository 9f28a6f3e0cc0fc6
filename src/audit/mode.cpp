#include "otoscope/audit/mode.h"

#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/process.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::embedded {
extern const std::string_view audit_modes;
}

namespace otoscope::audit {
namespace {

namespace fs = std::filesystem;
using io::Json;
using Kind = Predicate::Kind;

/// Of what the predicates do: a change of their meaning changes every hash.
constexpr std::string_view kPredicates = "otoscope.predicates/1";
constexpr int64_t kMostModeBytes = 1 << 20;
constexpr int kMostPredicates = 64, kMostLevels = 8;
constexpr size_t kMostListedWords = 10000, kMostRules = 16;

/// An object whose keys are all known.
class Object {
 public:
  Object(const Json& json, std::string where, std::vector<std::string> known)
      : json_(json), where_(std::move(where)) {
    if (!json.is_object())
      throw UserError(where_, std::string("expected an object, got ") + json.type_name());
    for (const auto& [key, value] : json.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        throw UserError(where_, "expected one of " + join(known) + ", got " + key.substr(0, 80),
                        "did you mean " + nearest_names(key, known, 1)[0] + "?");
  }
  bool has(const char* key) const { return json_.contains(key); }
  std::string text(const char* key, const std::string& otherwise) const {
    return has(key) ? io::string_at(json_, key, where_) : otherwise;
  }
  double number(const char* key, double otherwise, double low, double high) const {
    const double x = has(key) ? io::number_at(json_, key, where_) : otherwise;
    if (!(x >= low && x <= high))
      throw UserError(where_, "expected " + std::string(key) + " in [" + short_of(low) + ", " +
                                  short_of(high) + "], got " + short_of(x));
    return x;
  }
  int64_t integer(const char* key, int64_t otherwise, int64_t low, int64_t high) const {
    const int64_t x = has(key) ? io::integer_at(json_, key, where_) : otherwise;
    if (x < low || x > high)
      throw UserError(where_, "expected " + std::string(key) + " in [" + std::to_string(low) +
                                  ", " + std::to_string(high) + "], got " + std::to_string(x));
    return x;
  }
  std::vector<std::string> texts(const char* key) const {
    const Json& list = io::member_at(json_, key, where_);
    if (!list.is_array() || list.empty() || list.size() > kMostListedWords)
      throw UserError(where_, "expected a list of 1 to 10000 texts at " + std::string(key));
    std::vector<std::string> found;
    for (const Json& one : list) {
      if (!one.is_string() || one.get_ref<const std::string&>().empty())
        throw UserError(where_, "expected texts at " + std::string(key));
      found.push_back(one.get<std::string>());
    }
    return found;
  }

 private:
  static std::string short_of(double x) { return Json(x).dump(); }
  const Json& json_;
  std::string where_;
};

class Parser {
 public:
  explicit Parser(std::string where) : where_(std::move(where)) {}

  Predicate parse(const Json& json, int level) {
    if (level > kMostLevels || ++count_ > kMostPredicates)
      throw UserError(where_, "expected at most 64 predicates on 8 levels, got more");
    if (!json.is_object())
      throw UserError(where_, std::string("expected a predicate, got ") + json.type_name());
    for (const auto& [key, kind] :
         {std::pair{"any", Kind::any}, {"all", Kind::all}, {"not", Kind::negation}})
      if (json.contains(key)) return combination(json, key, kind, level);
    return leaf(json);
  }

 private:
  Predicate combination(const Json& json, const char* key, Kind kind, int level) {
    const Object object(json, where_, {key});
    Predicate predicate;
    predicate.kind = kind;
    const Json& parts = json[key];
    if (kind == Kind::negation) {
      predicate.parts.push_back(parse(parts, level + 1));
      return predicate;
    }
    if (!parts.is_array() || parts.empty())
      throw UserError(where_, "expected a list of predicates at " + std::string(key));
    for (const Json& part : parts) predicate.parts.push_back(parse(part, level + 1));
    return predicate;
  }

  Predicate leaf(const Json& json) const {
    const std::string is = io::string_at(json, "is", where_);
    Predicate p;
    if (is == "text") {
      const Object object(json, where_, {"is", "filter"});
      p.kind = Kind::text;
      const std::string filter = object.text("filter", "raw");
      if (filter != "raw" && filter != "after")
        throw UserError(where_, "expected raw or after at filter, got " + filter);
      p.filter = filter == "raw" ? Filter::raw : Filter::after;
    } else if (is == "empty" || is == "wrong_language" || is == "number") {
      const Object object(json, where_, {"is"});
      p.kind = is == "empty" ? Kind::empty : is == "number" ? Kind::number : Kind::wrong_language;
    } else if (is == "deletion") {
      const Object object(json, where_, {"is", "words"});
      p.kind = Kind::deletion;
      p.count = object.integer("words", 5, 1, 1000);
    } else if (is == "repetition") {
      const Object object(json, where_, {"is", "words", "times", "compression"});
      p.kind = Kind::repetition;
      p.count = object.integer("words", 8, 1, 64);
      p.times = object.integer("times", 4, 2, 1000);
      p.bound = object.number("compression", 2.4, 1, 1000);
    } else if (is == "wer") {
      const Object object(json, where_, {"is", "above"});
      p.kind = Kind::wer;
      p.bound = object.number("above", .5, 0, 100);
    } else if (is == "name" || is == "inserted") {
      const Object object(json, where_, {"is", "words"});
      p.kind = is == "name" ? Kind::name : Kind::inserted;
      // As the texts are: without capitals and punctuation.
      for (const std::string& word : object.texts("words")) {
        p.words.push_back(trimmed(model::normalize(word, "")));
        if (p.words.back().empty() || p.words.back().find(' ') != std::string::npos)
          throw UserError(where_, "expected single words, got \"" + word.substr(0, 80) + "\"");
      }
    } else if (is == "program") {
      const Object object(json, where_, {"is", "command", "timeout"});
      p.kind = Kind::program;
      p.command = object.texts("command");
      p.timeout_s = object.number("timeout", 10, .01, 600);
    } else {
      const std::vector<std::string> known{"text",     "empty",  "deletion", "repetition",
                                           "number",   "name",   "wer",      "wrong_language",
                                           "inserted", "program"};
      throw UserError(where_, "expected a predicate, got \"" + is.substr(0, 80) + "\"",
                      "did you mean " + nearest_names(is, known, 1)[0] + "?");
    }
    return p;
  }

  std::string where_;
  int count_ = 0;
};

Severity severity_named(const std::string& name, std::string_view where) {
  for (const Severity s : {Severity::s0, Severity::s1, Severity::s2, Severity::s3})
    if (name == severity_name(s)) return s;
  throw UserError(where, "expected a severity from S0 to S3, got " + name.substr(0, 80));
}

template <class Visit>
void each_program(const Predicate& predicate, const Visit& visit) {
  if (predicate.kind == Kind::program) visit(predicate);
  for (const Predicate& part : predicate.parts) each_program(part, visit);
}

/// A program that judges is part of the predicate: it, and files among its arguments.
std::string programs_in(const FailureMode& mode) {
  std::string text;
  for (const Rule& rule : mode.rules)
    each_program(rule.when, [&](const Predicate& predicate) {
      for (size_t i = 0; i < predicate.command.size(); ++i) {
        const std::string& word = predicate.command[i];
        fs::path file = mode.folder / word;
        std::error_code ignored;
        if (i == 0 && !fs::is_regular_file(file, ignored)) file = io::find_program(word);
        if (!file.empty() && fs::is_regular_file(file, ignored))
          text += "\n" + io::sha256_file(file);
      }
    });
  return text;
}

}  // namespace

std::string_view severity_name(Severity severity) {
  constexpr std::string_view kNames[] = {"S0", "S1", "S2", "S3"};
  return kNames[static_cast<size_t>(severity)];
}

bool FailureMode::runs_programs() const {
  bool any = false;
  for (const Rule& rule : rules) each_program(rule.when, [&](const Predicate&) { any = true; });
  return any;
}

namespace {

FailureMode mode_of(const Json& json, const std::string& where, const fs::path& folder) {
  const Object object(
      json, where,
      {"schema", "version", "id", "title", "speech", "language", "rules", "group_wer_above"});
  if (object.text("schema", "") != "otoscope.failure-mode")
    throw UserError(where, "expected the schema otoscope.failure-mode, got " +
                               object.text("schema", "none").substr(0, 80));
  if (const int64_t version = io::integer_at(json, "version", where); version != 1)
    throw UserError(where, "expected version 1, got " + std::to_string(version),
                    version > 1 ? "a newer otoscope wrote it" : "");
  FailureMode mode;
  mode.id = io::string_at(json, "id", where);
  if (mode.id.empty() || mode.id.size() > 64 || mode.id[0] == '-' ||
      mode.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    throw UserError(where, "expected an id of small letters, digits and -, got \"" +
                               mode.id.substr(0, 80) + "\"");
  mode.title = io::string_at(json, "title", where);
  if (mode.title.empty() || mode.title.size() > 500)
    throw UserError(where, "expected a title of 1 to 500 bytes");
  if (object.has("speech")) mode.speech = io::bool_at(json, "speech", where);
  mode.language = object.text("language", "en");
  mode.group_wer_bound = object.number("group_wer_above", 0, 0, 100);
  const Json& rules = io::member_at(json, "rules", where);
  if (!rules.is_array() || rules.empty() || rules.size() > kMostRules)
    throw UserError(where, "expected a list of 1 to 16 rules");
  Parser parser(where);
  for (const Json& rule : rules) {
    const Object one(rule, where, {"severity", "when"});
    mode.rules.push_back({severity_named(io::string_at(rule, "severity", where), where),
                          parser.parse(io::member_at(rule, "when", where), 1)});
  }
  mode.folder = folder;
  mode.canonical = json.dump();  // keys in order, no spaces
  mode.hash = io::sha256(std::string(kPredicates) + "\n" + mode.canonical + programs_in(mode));
  return mode;
}

Json known_json() { return io::parse_json(embedded::audit_modes, "modes.json"); }

}  // namespace

FailureMode parse_mode(std::string_view text, std::string_view where, const fs::path& folder) {
  return mode_of(io::parse_json(text, where), std::string(where), folder);
}

FailureMode read_mode(const fs::path& path) {
  return parse_mode(io::read_file(path, kMostModeBytes), path.string(),
                    fs::absolute(path).parent_path());
}

std::vector<std::string> known_modes() {
  std::vector<std::string> names;
  const Json known = known_json();
  for (const Json& one : known) names.push_back(one.at("id").get<std::string>());
  return names;
}

FailureMode find_mode(const std::string& name_or_path) {
  const Json known = known_json();
  for (const Json& one : known)
    if (one.at("id") == name_or_path) return mode_of(one, name_or_path, {});
  if (!fs::exists(name_or_path)) {
    const std::vector<std::string> names = known_modes();
    throw UserError("--mode", "expected a file or one of " + join(names) + ", got " + name_or_path,
                    "did you mean " + nearest_names(name_or_path, names, 1)[0] + "?");
  }
  return read_mode(name_or_path);
}

}  // namespace otoscope::audit
