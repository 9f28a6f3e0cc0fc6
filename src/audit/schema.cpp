#include "otoscope/audit/schema.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"

namespace otoscope::embedded {
extern const std::string_view audit_record_schema_1, audit_record_schema_2;
}

namespace otoscope::audit {
namespace {

using io::Json;

constexpr size_t kMostProblems = 20;
constexpr int kMostDepth = 64;

const std::set<std::string> kAnnotations{"$schema", "$id",         "$comment", "title",
                                         "$defs",   "description", "examples"};
const std::set<std::string> kChecks{"type",    "properties", "required", "additionalProperties",
                                    "items",   "enum",       "const",    "minimum",
                                    "maximum", "minItems",   "maxItems", "minLength",
                                    "anyOf",   "maxLength",  "pattern",  "$ref"};

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// The patterns that schemas may use. A general engine on texts from outside can be made to run
/// for ever; these cannot.
const std::map<std::string, bool (*)(std::string_view)> kPatterns{
    {"^[0-9a-f]{64}$",
     [](std::string_view t) { return t.size() == 64 && all_of(t, "0123456789abcdef"); }},
    {"^[a-z0-9][a-z0-9-]{0,63}$",
     [](std::string_view t) {
       return !t.empty() && t.size() <= 64 && t[0] != '-' &&
              all_of(t, "abcdefghijklmnopqrstuvwxyz0123456789-");
     }},
};

/// Code points, as JSON Schema counts lengths.
size_t length_of(std::string_view text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type != "integer") return false;
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::floor(value.get<double>()) == value.get<double>();
}

std::string key_in_pointer(std::string key) {
  if (key.size() > 80) key = key.substr(0, 80) + "...";
  return key;
}

}  // namespace

struct Schema::Impl {
  Json root;
  std::string where;

  [[noreturn]] void refuse(const std::string& at, const std::string& problem) const {
    throw UserError(where, problem + " at " + (at.empty() ? "/" : at));
  }

  const Json& definition(const std::string& ref, const std::string& at) const {
    constexpr std::string_view kHere = "#/$defs/";
    const auto defs = root.find("$defs");
    if (ref.starts_with(kHere) && defs != root.end()) {
      const auto found = defs->find(ref.substr(kHere.size()));
      if (found != defs->end()) return *found;
    }
    refuse(at, "expected a $ref to one of $defs, got " + ref);
  }

  /// Everything that `problems` will meet, so that it cannot fail there.
  void check(const Json& schema, const std::string& at, int depth) const {
    if (depth > kMostDepth) refuse(at, "expected a $ref that ends, got a circle");
    if (schema.is_boolean()) return;
    if (!schema.is_object()) refuse(at, "expected a schema");
    for (const auto& [key, value] : schema.items()) {
      const std::string here = at + "/" + key;
      if (kAnnotations.contains(key)) continue;
      if (!kChecks.contains(key)) refuse(here, "expected a keyword that is checked, got " + key);
      if (key == "properties") {
        if (!value.is_object()) refuse(here, "expected an object");
        for (const auto& [name, one] : value.items()) check(one, here + "/" + name, depth + 1);
      } else if (key == "additionalProperties" || key == "items") {
        check(value, here, depth + 1);
      } else if (key == "anyOf") {
        if (!value.is_array() || value.empty()) refuse(here, "expected a list of schemas");
        for (const Json& one : value) check(one, here, depth + 1);
      } else if (key == "required" || key == "enum") {
        if (!value.is_array()) refuse(here, "expected a list");
        if (key == "required")
          for (const Json& one : value)
            if (!one.is_string()) refuse(here, "expected a list of names");
      } else if (key == "$ref") {
        if (!value.is_string()) refuse(here, "expected a text");
        check(definition(value.get<std::string>(), here), here, depth + 1);
      } else if (key == "type") {
        const Json list = value.is_array() ? value : Json::array({value});
        for (const Json& one : list)
          if (!one.is_string()) refuse(here, "expected names of types");
      } else if (key == "pattern") {
        if (!value.is_string() || !kPatterns.contains(value.get<std::string>()))
          refuse(here, "expected one of the known patterns, got " + value.dump());
      } else if (key != "const" && !value.is_number()) {
        refuse(here, "expected a number");
      }
    }
  }

  void validate(const Json& value, const Json& schema, const std::string& at,
                std::vector<std::string>& out) const {
    if (out.size() >= kMostProblems) return;
    const auto say = [&](const std::string& what) {
      if (out.size() < kMostProblems) out.push_back((at.empty() ? "/" : at) + ": " + what);
    };
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) say("expected nothing here");
      return;
    }
    if (const auto it = schema.find("$ref"); it != schema.end())
      validate(value, definition(it->get<std::string>(), at), at, out);
    if (const auto it = schema.find("type"); it != schema.end()) {
      const Json types = it->is_array() ? *it : Json::array({*it});
      bool any = false;
      std::vector<std::string> names;
      for (const Json& type : types) {
        names.push_back(type.get<std::string>());
        any = any || has_type(value, names.back());
      }
      if (!any) {
        say("expected " + join(names, " or ") + ", got " + value.type_name());
        return;  // what follows would only repeat it
      }
    }
    if (const auto it = schema.find("const"); it != schema.end() && value != *it)
      say("expected " + it->dump());
    if (const auto it = schema.find("enum"); it != schema.end()) {
      bool any = false;
      for (const Json& one : *it) any = any || one == value;
      if (!any) say("expected one of " + it->dump());
    }
    if (const auto it = schema.find("anyOf"); it != schema.end()) {
      bool any = false;
      for (const Json& one : *it) {
        std::vector<std::string> some;
        validate(value, one, at, some);
        any = any || some.empty();
      }
      if (!any) say("fits none of the " + std::to_string(it->size()) + " forms");
    }
    if (value.is_number()) numbers(value, schema, say);
    if (value.is_string()) strings(value.get_ref<const std::string&>(), schema, say);
    if (value.is_array()) array(value, schema, at, say, out);
    if (value.is_object()) object(value, schema, at, say, out);
  }

  template <class Say>
  static void numbers(const Json& value, const Json& schema, const Say& say) {
    const double x = value.get<double>();
    if (const auto it = schema.find("minimum"); it != schema.end() && !(x >= it->get<double>()))
      say("expected at least " + it->dump());
    if (const auto it = schema.find("maximum"); it != schema.end() && !(x <= it->get<double>()))
      say("expected at most " + it->dump());
  }

  template <class Say>
  static void strings(const std::string& value, const Json& schema, const Say& say) {
    const double n = static_cast<double>(length_of(value));
    if (const auto it = schema.find("minLength"); it != schema.end() && n < it->get<double>())
      say("expected at least " + it->dump() + " characters");
    if (const auto it = schema.find("maxLength"); it != schema.end() && n > it->get<double>())
      say("expected at most " + it->dump() + " characters");
    if (const auto it = schema.find("pattern"); it != schema.end())
      if (!kPatterns.at(it->get<std::string>())(value)) say("expected " + it->get<std::string>());
  }

  template <class Say>
  void array(const Json& value, const Json& schema, const std::string& at, const Say& say,
             std::vector<std::string>& out) const {
    const auto n = static_cast<double>(value.size());
    if (const auto it = schema.find("minItems"); it != schema.end() && n < it->get<double>())
      say("expected at least " + it->dump() + " items");
    if (const auto it = schema.find("maxItems"); it != schema.end() && n > it->get<double>())
      say("expected at most " + it->dump() + " items");
    if (const auto it = schema.find("items"); it != schema.end())
      for (size_t i = 0; i < value.size(); ++i)
        validate(value[i], *it, at + "/" + std::to_string(i), out);
  }

  template <class Say>
  void object(const Json& value, const Json& schema, const std::string& at, const Say& say,
              std::vector<std::string>& out) const {
    if (const auto it = schema.find("required"); it != schema.end())
      for (const Json& name : *it)
        if (!value.contains(name.get_ref<const std::string&>()))
          say("expected the key " + name.get<std::string>());
    const auto properties = schema.find("properties");
    const auto others = schema.find("additionalProperties");
    for (const auto& [key, one] : value.items()) {
      const std::string here = at + "/" + key_in_pointer(key);
      if (properties != schema.end() && properties->contains(key))
        validate(one, (*properties)[key], here, out);
      else if (others != schema.end())
        validate(one, *others, here, out);
    }
  }
};

Schema::Schema(const Json& schema, std::string_view where)
    : impl_(std::make_unique<Impl>(Impl{schema, std::string(where)})) {
  impl_->check(impl_->root, "", 0);
  if (const auto defs = impl_->root.find("$defs"); defs != impl_->root.end())
    for (const auto& [name, one] : defs->items()) impl_->check(one, "/$defs/" + name, 0);
}
Schema::Schema(Schema&&) noexcept = default;
Schema::~Schema() = default;

std::vector<std::string> Schema::problems(const Json& document) const {
  std::vector<std::string> out;
  impl_->validate(document, impl_->root, "", out);
  return out;
}

std::string_view record_schema_text(int version) {
  OTO_ASSERT(version >= 1 && version <= kRecordVersion);
  return version == 1 ? embedded::audit_record_schema_1 : embedded::audit_record_schema_2;
}

const Schema& record_schema(int version) {
  const auto made = [](int v) {
    const std::string name = "audit-record.v" + std::to_string(v) + ".schema.json";
    return Schema(io::parse_json(record_schema_text(v), name), name);
  };
  static const Schema first = made(1), second = made(2);
  return version == 1 ? first : second;
}

std::vector<std::string> record_problems(const Json& record) {
  const auto version = record.is_object() ? record.find("version") : record.end();
  const bool old = record.is_object() && version != record.end() && *version == 1;
  return record_schema(old ? 1 : kRecordVersion).problems(record);
}

}  // namespace otoscope::audit
