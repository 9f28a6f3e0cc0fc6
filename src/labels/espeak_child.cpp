#include "labels/espeak_child.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labels/espeak_library.h"
#include "labels/espeak_wire.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::labels {
namespace {

#ifdef OTOSCOPE_WITH_ESPEAK

constexpr double kLongestSeconds = 60;
constexpr size_t kMostBytes = size_t{256} << 20;

/// Kills and buries the child, and closes the pipe, whatever happens.
struct Child {
  pid_t pid = -1;
  int pipe = -1;
  ~Child() {
    if (pipe >= 0) close(pipe);
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
};

[[noreturn]] void give_up(const std::string& what) {
  throw UserError("espeak-ng", what, "check that the package espeak-ng-data is installed");
}

void write_all(int pipe, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(pipe, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

std::string answer_of_child(const std::function<std::string()>& work) {
  static std::mutex between_pipe_and_close;  // else a sibling inherits the end that says "done"
  std::unique_lock lock(between_pipe_and_close);
  int ends[2];
  if (pipe(ends) != 0) give_up("expected a pipe, got none");
  Child child;
  child.pipe = ends[0];
  child.pid = fork();
  if (child.pid == 0) {  // no destructors, no exit handlers: they are the parent's
    close(ends[0]);
    signal(SIGINT, SIG_IGN);
    try {
      write_all(ends[1], work());
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  lock.unlock();
  if (child.pid < 0) give_up("expected a process to speak in, got none");

  const auto begun = std::chrono::steady_clock::now();
  std::string answer;
  for (;;) {
    throw_if_interrupted();
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() >
        kLongestSeconds)
      give_up(fmt::format("expected speech within {} s, got none", kLongestSeconds));
    pollfd wait{child.pipe, POLLIN, 0};
    if (poll(&wait, 1, 100) <= 0) continue;
    char piece[65536];
    const ssize_t got = read(child.pipe, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    answer.append(piece, static_cast<size_t>(got));
    if (answer.size() > kMostBytes) give_up("expected speech, got more than 256 MB of it");
  }
  if (answer.empty()) give_up("expected an answer of its library, got none");
  return answer;
}

#else

std::string answer_of_child(const std::function<std::string()>&) {
  throw UserError("espeak-ng", "expected a build with espeak-ng, got one without",
                  "install libespeak-ng-dev and configure again");
}

#endif

}  // namespace

RawSpeech speak_in_child(std::string_view text, const std::string& voice, int rate, int pitch) {
  const std::string copy(text);
  const std::string answer =
      answer_of_child([&] { return library_speak(copy, voice, rate, pitch); });
  WireReader in(answer);
  if (in.number() == 0) throw UserError("espeak-ng", "expected a voice that it has, got " + voice);
  RawSpeech speech;
  speech.rate = static_cast<int>(in.number());
  const std::string_view pcm = in.text();
  speech.pcm.resize(pcm.size() / sizeof(int16_t));
  std::memcpy(speech.pcm.data(), pcm.data(), speech.pcm.size() * sizeof(int16_t));
  const int64_t count = in.number();
  WireReader events(in.text());
  for (int64_t i = 0; i < count; ++i) {
    RawEvent event;
    event.word = events.number() != 0;
    event.text_position = static_cast<int32_t>(events.number());
    event.length = static_cast<int32_t>(events.number());
    event.sample = events.number();
    event.name = events.text();
    speech.events.push_back(std::move(event));
  }
  speech.transcript = in.text();
  return speech;
}

std::vector<RawVoice> list_in_child() {
  const std::string answer = answer_of_child(library_list);
  WireReader in(answer);
  std::vector<RawVoice> voices;
  while (!in.done()) {
    RawVoice voice;
    voice.language = in.text();
    voice.name = in.text();
    voice.file = in.text();
    voices.push_back(std::move(voice));
  }
  return voices;
}

std::string version_in_child() {
  const std::string answer = answer_of_child(library_version);
  return std::string(WireReader(answer).text());
}

}  // namespace otoscope::labels
