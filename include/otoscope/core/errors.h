#pragma once
/// Two families of errors. A user's mistake (file, flag, argument) is a UserError: catchable, one
/// line
/// `[where] expected X, got Y. Hint: Z`. A broken invariant of ours is an OTO_ASSERT: it ends the
/// process.

#include <stdexcept>
#include <string>
#include <string_view>

namespace otoscope {

class UserError : public std::runtime_error {
 public:
  /// where: what the user typed or called (a file, an option, a site), never a source file of ours.
  /// problem: "expected X, got Y" or another plain statement. hint: what to do, without a full
  /// stop.
  UserError(std::string_view where, std::string_view problem, std::string_view hint = {});

  const std::string& where() const { return where_; }
  const std::string& problem() const { return problem_; }

 private:
  std::string where_, problem_;
};

/// A condition that the user asked for does not hold (exit status 3).
class ConditionFailed : public UserError {
 public:
  using UserError::UserError;
};

namespace detail {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

}  // namespace otoscope

/// Always on: the checks are cheap, and a wrong number is worse than a stopped process.
#define OTO_ASSERT(condition)                                                               \
  do {                                                                                      \
    if (!(condition)) ::otoscope::detail::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
