#pragma once
/// Ctrl-C, asked for by a flag that long loops look at between units of work, so that what is half
/// written is finished or thrown away. The CLI sets it from a signal handler and exits with 130.

#include <exception>

namespace otoscope {

struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// Async-signal-safe.
void request_interrupt() noexcept;
bool interrupt_requested() noexcept;
void clear_interrupt() noexcept;
/// Throws Interrupted if ctrl-C was pressed since the last clear.
void throw_if_interrupted();

}  // namespace otoscope
