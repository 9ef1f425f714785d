#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>

#include "cli/command_line.h"

extern char** environ;

namespace defang::cli {
namespace {

class Descriptor : public Stream {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  void write(std::string_view text) override {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        failed_ = true;  // a closed pipe or a full disk: nothing more can be said there
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  bool is_terminal() const override { return ::isatty(fd_) == 1; }
  Size size() const override {
    winsize size{};
    return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 ? Size{size.ws_col, size.ws_row} : Size{};
  }
  bool failed() const { return failed_; }

 private:
  int fd_;
  bool failed_ = false;
};

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

std::array<int, 2> g_signal_pipe{-1, -1};  // the handler may do no more than write

/// Turns the first SIGINT or SIGTERM into a stop request; the second ends the program at once.
class StopOnSignal {
 public:
  StopOnSignal() {
    if (::pipe(g_signal_pipe.data()) != 0) return;
    struct sigaction action{};
    action.sa_handler = [](int) {
      const int saved = errno;
      (void)!::write(g_signal_pipe[1], "s", 1);
      errno = saved;
    };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    watcher_ = std::thread([this] {
      char what = 0;
      for (int signals = 0; ::read(g_signal_pipe[0], &what, 1) == 1 && what == 's';) {
        if (++signals == 1)
          stop_.request_stop();
        else
          ::_exit(exit_interrupted);
      }
    });
  }
  ~StopOnSignal() {
    (void)!::write(g_signal_pipe[1], "e", 1);
    if (watcher_.joinable()) watcher_.join();
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::thread watcher_;
};

std::string program_path() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "defang";
}

int run(const std::vector<std::string>& words) {
  Descriptor out(STDOUT_FILENO), err(STDERR_FILENO);
  const auto parsed = parse(words);
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    (answer->exit_code == exit_done ? out : err).write(answer->text);
    return out.failed() ? exit_world_refused : answer->exit_code;
  }
  const auto& [command, arguments] = std::get<Invocation>(parsed);
  if (!arguments.folder.empty() && ::chdir(arguments.folder.c_str()) != 0) {
    err.write("error: cannot change to `" + arguments.folder + "`: " + strerrordesc_np(errno) + " [usage]\n");
    return exit_input_wrong;
  }
  const StopOnSignal signals;
  const auto disk = make_real_disk();
  const auto clock = make_system_clock();
  const auto processes = make_processes();
  const auto random = make_system_random();
  Context context{
      *disk,           *clock,        *processes, *random, out, err, environment(), ::isatty(STDIN_FILENO) == 1,
      signals.token(), program_path()};
  const int code = command->run(arguments, context);
  return code == exit_done && out.failed() ? exit_world_refused : code;
}

}  // namespace

std::string Context::variable(const std::string& name) const {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::string Context::standard_input() {
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR && !stop.stop_requested()) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

namespace {

/// Nothing of what is typed is shown, until the end of the scope.
class HiddenInput {
 public:
  HiddenInput() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenInput() {
    if (hidden_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool hidden_ = false;
};

}  // namespace

std::optional<std::string> Context::ask(std::string_view question, Echo echo) {
  // First, since it drops what was typed before the question.
  const auto hidden = echo == Echo::hidden ? std::make_unique<HiddenInput>() : nullptr;
  err.write(question);
  std::string line;
  while (!stop.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 100) <= 0) continue;
    char c = 0;
    const ssize_t count = ::read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || c == '\n') {
      if (hidden) err.write("\n");
      return count <= 0 && line.empty() ? std::nullopt : std::optional(line);
    }
    line += c;
  }
  err.write("\n");
  return std::nullopt;
}

}  // namespace defang::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  defang::start_crypto();
  return defang::cli::run(std::vector<std::string>(argv + 1, argv + argc));
}
