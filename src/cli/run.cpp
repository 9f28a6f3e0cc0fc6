#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cli/help.h"
#include "cli/parse.h"
#include "cli/run.h"
#include "cli/terminal_progress.h"
#include "cli/verb.h"
#include "otoscope/cli/cli.h"
#include "otoscope/core/denormals.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/device.h"
#include "otoscope/labels/spoken.h"

namespace otoscope::cli {
namespace {

enum Status { kDone = 0, kInput = 1, kUsage = 2, kCondition = 3, kInterrupted = 130 };

/// The first ctrl-C asks; the second one does not.
extern "C" void on_interrupt(int) {
  if (interrupt_requested()) std::_Exit(kInterrupted);
  request_interrupt();
}

void install_signals() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over its limit is then a failed write with a message
}

int complain(const std::exception& error, int status) {
  std::fprintf(stderr, "otoscope: %s\n", error.what());
  return status;
}

const VerbEntry* find_verb(const std::string& name) {
  for (const VerbEntry& entry : verbs())
    if (name == entry.name) return &entry;
  return nullptr;
}

int unknown_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const VerbEntry& entry : verbs()) names.emplace_back(entry.name);
  return complain(UserError(name, "expected a verb, got something else",
                            "did you mean " + nearest_names(name, names, 1)[0] +
                                "? `otoscope --help` lists them"),
                  kUsage);
}

/// A verb with its options set, and what else the words said.
struct Prepared {
  std::unique_ptr<Verb> verb;
  CommonOptions common;
  std::vector<std::string> positional;
};

/// UserError for wrong usage.
Prepared prepare(const VerbEntry& entry, const std::vector<std::string>& words,
                 const CommonOptions& defaults) {
  Prepared prepared{entry.make(), defaults, {}};
  std::vector<OptionRef> options = prepared.verb->options();
  for (const OptionRef& option : options_of(prepared.common)) options.push_back(option);
  prepared.positional = parse_arguments(words, options);
  const auto [least, most] = prepared.verb->positional();
  const auto count = static_cast<int>(prepared.positional.size());
  const std::string usage = prepared.verb->usage();
  if (count < least || (most >= 0 && count > most))
    throw UserError(entry.name,
                    "expected " + (usage.empty() ? "no arguments" : usage) + ", got " +
                        std::to_string(count) + (count == 1 ? " argument" : " arguments"),
                    "`otoscope " + std::string(entry.name) + " --help` shows an example");
  if (prepared.common.device == "cuda") kernels::use_device(kernels::Device::cuda);
  set_threads(prepared.common.threads);
  flush_denormals();
  return prepared;
}

bool asks_for_help(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

int run_verb(const VerbEntry& entry, const std::vector<std::string>& words) {
  if (asks_for_help(words)) {
    std::puts(help_of_verb(entry, *entry.make()).c_str());
    return kDone;
  }
  Prepared prepared;
  try {
    prepared = prepare(entry, words, {});
  } catch (const UserError& error) {
    return complain(error, kUsage);
  }

  try {
    TerminalProgress progress;
    const int status = prepared.verb->run(Context{prepared.common, prepared.positional, progress});
    if (std::fflush(stdout) != 0)
      throw UserError("standard output", "expected room for the result, got a failed write");
    return status;
  } catch (const Interrupted&) {
    std::fprintf(stderr, "otoscope: interrupted; the same command goes on where it was\n");
    return kInterrupted;
  } catch (const ConditionFailed& error) {
    return complain(error, kCondition);
  } catch (const UserError& error) {
    return complain(error, kInput);
  } catch (const std::bad_alloc&) {
    return complain(
        UserError("memory", "expected enough, got none left", "use a smaller batch or fewer sites"),
        kInput);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otoscope: internal error: %s; please report it\n", error.what());
    return kInput;
  }
}

}  // namespace

void Context::print(std::string_view text) const {
  if (quiet) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fputc('\n', stdout) == EOF || std::fflush(stdout) != 0)
    throw UserError("standard output", "expected room for the result, got a failed write");
}

int run_words(const std::vector<std::string>& words, const Context& caller) {
  const VerbEntry* entry = find_verb(words.at(0));
  OTO_ASSERT(entry != nullptr);
  Prepared prepared = prepare(*entry, {words.begin() + 1, words.end()}, caller.common);
  return prepared.verb->run(
      Context{prepared.common, prepared.positional, caller.progress, caller.common.json});
}

int run(int argc, char** argv) {
  install_signals();
  labels::register_spoken();
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    if (words.size() > 1)
      if (const VerbEntry* entry = find_verb(words[1])) return run_verb(*entry, {"--help"});
    std::puts(help_of_program().c_str());
    return words.empty() ? kUsage : kDone;
  }
  const VerbEntry* entry = find_verb(words[0] == "--version" ? "version" : words[0]);
  if (entry == nullptr) return unknown_verb(words[0]);
  return run_verb(*entry, {words.begin() + 1, words.end()});
}

}  // namespace otoscope::cli
