#pragma once
/// A verb of the command line: one file, one struct of options, one run function, one registry
/// line.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"

namespace otoscope::cli {

/// What every verb understands.
struct CommonOptions {
  bool json = false;
  int threads = 0;
  uint64_t seed = 0;
  std::string device = "cpu";

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("json", o.json, "print the result as JSON, for machines");
    v("threads", o.threads, "threads to use, 0 = all cores", Range{0, 1024});
    v("seed", o.seed, "seed of everything random in this command");
    v("device", o.device, "where to compute", Choices{{"cpu", "cuda"}});
  }
};

/// What a verb gets: parsed common options, positional arguments, where to report, where to print.
struct Context {
  CommonOptions common;
  std::vector<std::string> arguments;
  Progress& progress;
  bool quiet = false;  // print nothing: a step of another verb that answers in JSON

  /// To standard output; a newline is added. A full disk is a UserError.
  void print(std::string_view text) const;
};

class Verb {
 public:
  virtual ~Verb() = default;
  /// Positional arguments as help shows them: "MODEL AUDIO..."
  virtual std::string usage() const { return ""; }
  /// One real command line, without the program's name.
  virtual std::string example() const = 0;
  virtual std::vector<OptionRef> options() { return {}; }
  /// How many positional arguments are right: [least, most]; most < 0 means any number.
  virtual std::pair<int, int> positional() const { return {0, 0}; }
  /// Exit status. Throws UserError for the input's fault.
  virtual int run(const Context& context) = 0;
};

/// The common case: a struct of options with `visit`, held by the verb.
template <class Options>
class VerbWith : public Verb {
 public:
  std::vector<OptionRef> options() override { return options_of(options_); }

 protected:
  Options options_;
};

struct VerbEntry {
  const char* name;
  const char* summary;  // "text, language and word times of audio files"
  std::unique_ptr<Verb> (*make)();
};

/// All verbs in the order in which help lists them: src/cli/registry.cpp.
const std::vector<VerbEntry>& verbs();

/// A left-aligned table for terminals of 80 columns; the first row is the head.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace otoscope::cli
