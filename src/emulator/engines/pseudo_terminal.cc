#include "emulator/engines/pseudo_terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "support/process.h"

namespace defang::emulator {

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The leader of a new session: the terminal that it opens first is the one that it is controlled by.
int spawn(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> environment,
          const char* terminal, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers_to(arguments).data(),
                                  pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

Result<std::unique_ptr<PseudoTerminal>> PseudoTerminal::start(const std::vector<std::string>& arguments,
                                                              const std::map<std::string, std::string>& environment) {
  const auto program = find_program(arguments.at(0));
  if (!program)
    return fail(Error::Kind::refused, "program-not-found", fmt::format("`{}` was not found in PATH", arguments[0]));
  const int ours = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  std::array<char, 64> name{};
  if (ours < 0 || ::grantpt(ours) != 0 || ::unlockpt(ours) != 0 || ::ptsname_r(ours, name.data(), name.size()) != 0) {
    const int why = errno;
    if (ours >= 0) ::close(ours);
    return fail(Error::Kind::refused, "terminal-failed",
                fmt::format("no terminal can be made: {}", strerrordesc_np(why)));
  }
  pid_t pid = -1;
  if (const int error = spawn(program->string(), arguments, environment_with(environment), name.data(), pid)) {
    ::close(ours);
    return fail(Error::Kind::refused, "process-other",
                fmt::format("cannot start `{}`: {}", arguments[0], strerrordesc_np(error)));
  }
  return std::unique_ptr<PseudoTerminal>(new PseudoTerminal(ours, pid));
}

PseudoTerminal::~PseudoTerminal() {
  ::close(ours_);
  ::kill(-pid_, SIGTERM);
  for (int turn = 0; turn < 20; ++turn) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    ::poll(nullptr, 0, 50);
  }
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void PseudoTerminal::write(std::string_view bytes) {
  pending_ += bytes;
  flush();
}

void PseudoTerminal::flush() {
  while (!pending_.empty()) {
    const ssize_t written = ::write(ours_, pending_.data(), pending_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) return pending_.clear();  // nobody is there any more
    pending_.erase(0, static_cast<std::size_t>(written));
  }
}

void PseudoTerminal::resize(int columns, int rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  ::ioctl(ours_, TIOCSWINSZ, &size);
}

std::optional<std::string> PseudoTerminal::read() {
  std::string bytes(16384, '\0');
  const ssize_t count = ::read(ours_, bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::string();
  if (count <= 0) return std::nullopt;  // EIO: nobody has the other end open any more
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

}  // namespace defang::emulator
