#include "support/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "support/text.h"

extern char** environ;

namespace defang {
namespace {

namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close(0);
    close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int end(int index) const { return ends_[static_cast<std::size_t>(index)]; }
  void close(int index) {
    int& fd = ends_[static_cast<std::size_t>(index)];
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// argv and envp for posix_spawn; owns the texts.
struct SpawnTexts {
  std::vector<std::string> texts;
  std::vector<char*> pointers;
  explicit SpawnTexts(std::vector<std::string> from) : texts(std::move(from)) {
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
  }
};

struct Streams {
  int in = -1, out = -1, err = -1;  // -1: /dev/null
};

Result<pid_t> spawn(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                    const fs::path& folder, const Streams& streams, bool own_session) {
  const auto program = find_program(arguments.at(0));
  if (!program)
    return fail(Error::Kind::refused, "program-not-found", fmt::format("`{}` was not found in PATH", arguments[0]));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::array<std::pair<int, int>, 3> wanted{{{streams.in, 0}, {streams.out, 1}, {streams.err, 2}}};
  for (const auto& [fd, target] : wanted) {
    if (fd >= 0)
      posix_spawn_file_actions_adddup2(&actions, fd, target);
    else
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0);
  }
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  // Ctrl-C in the terminal is ours to pass on, not the terminal's: each child has its own process group or session.
  if (own_session)
    flags |= POSIX_SPAWN_SETSID;
  else
    flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes, flags);
  SpawnTexts argv(arguments), envp(environment_with(environment));
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program->c_str(), &actions, &attributes, argv.pointers.data(), envp.pointers.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return fail(Error::Kind::refused, error == ENOENT ? "program-not-found" : "process-other",
                fmt::format("cannot start `{}`: {}", arguments[0], strerrordesc_np(error)));
  return pid;
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

class SpawnedChild : public Processes::Child {
 public:
  explicit SpawnedChild(pid_t pid) : pid_(pid) {}
  int pid() const override { return pid_; }
  void terminate() override {
    if (!exit_code()) ::kill(pid_, SIGTERM);
  }
  void kill() override {
    if (!exit_code()) ::kill(pid_, SIGKILL);
  }
  std::optional<int> exit_code() override {
    if (!ended_) {
      int status = 0;
      const pid_t done = ::waitpid(pid_, &status, WNOHANG);
      if (done == pid_)
        ended_ = exit_code_of(status);
      else if (done < 0 && errno == ECHILD)
        ended_ = 127;
    }
    return ended_;
  }

 private:
  pid_t pid_;
  std::optional<int> ended_;
};

class SpawnProcesses : public Processes {
 public:
  Result<Ended> run(const Command& command, std::stop_token stop) override {
    Pipe in, out, err, wake;
    TRY_ASSIGN(const pid_t pid, spawn(command.arguments, command.environment, command.folder,
                                      {command.input.empty() ? -1 : in.end(0), out.end(1),
                                       command.merge_error_output ? out.end(1) : err.end(1)},
                                      false));
    in.close(0);
    out.close(1);
    err.close(1);
    std::stop_callback on_stop(stop, [&] { (void)!::write(wake.end(1), "x", 1); });

    Ended ended;
    std::string_view input = command.input;
    if (input.empty())
      in.close(1);
    else
      ::fcntl(in.end(1), F_SETFL, O_NONBLOCK);
    const auto start = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::time_point> kill_at;
    bool too_slow = false, stopping = false;
    while (out.end(0) >= 0 || err.end(0) >= 0) {
      const auto now = std::chrono::steady_clock::now();
      if (command.limit && !too_slow && !stopping && now - start >= *command.limit) {
        too_slow = true;
        ::kill(-pid, SIGTERM);
        kill_at = now + std::chrono::seconds(2);
      }
      if (kill_at && now >= *kill_at) {
        ::kill(-pid, SIGKILL);
        kill_at = now + std::chrono::seconds(60);
      }
      int timeout = -1;
      if (kill_at)
        timeout = 50;
      else if (command.limit)
        timeout =
            static_cast<int>(std::chrono::duration_cast<Milliseconds>(*command.limit - (now - start)).count()) + 1;
      std::array<pollfd, 4> fds{{{out.end(0), POLLIN, 0},
                                 {err.end(0), POLLIN, 0},
                                 {in.end(1), POLLOUT, 0},
                                 {stopping ? -1 : wake.end(0), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) break;
      if (fds[3].revents != 0) {
        stopping = true;
        ::kill(-pid, SIGTERM);
        kill_at = now + std::chrono::seconds(2);
      }
      take(out, fds[0].revents, ended.output, command);
      take(err, fds[1].revents, ended.error_output, command);
      if (fds[2].revents != 0) {
        const ssize_t written = ::write(in.end(1), input.data(), input.size());
        if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
        if ((written < 0 && errno != EAGAIN) || input.empty()) in.close(1);
      }
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (stopping) return stopped();
    if (too_slow)
      return fail(Error::Kind::unreachable, "process-too-slow",
                  fmt::format("`{}` did not end within {} ms", command.arguments[0], command.limit->count()));
    ended.exit_code = exit_code_of(status);
    return ended;
  }

  Result<std::unique_ptr<Child>> start(const Background& command) override {
    int output = -1;
    if (!command.output.empty()) {
      output = ::open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (output < 0)
        return fail(Error::Kind::refused, "process-other",
                    fmt::format("cannot write `{}`: {}", command.output.string(), strerrordesc_np(errno)));
    }
    auto pid = spawn(command.arguments, command.environment, command.folder, {-1, output, output}, command.detached);
    if (output >= 0) ::close(output);
    if (!pid) return std::unexpected(std::move(pid).error());
    return std::make_unique<SpawnedChild>(*pid);
  }

 private:
  static void take(Pipe& pipe, short events, std::string& into, const Command& command) {
    if (events == 0 || pipe.end(0) < 0) return;
    char buffer[16384];
    const ssize_t count = ::read(pipe.end(0), buffer, sizeof buffer);
    if (count > 0) {
      into.append(buffer, static_cast<std::size_t>(count));
      if (command.on_output) command.on_output(std::string_view(buffer, static_cast<std::size_t>(count)));
    } else if (count == 0 || errno != EINTR) {
      pipe.close(0);
    }
  }
};

}  // namespace

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      all[std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
  }
  for (const auto& [key, value] : added) all[key] = value;
  std::vector<std::string> out;
  for (const auto& [key, value] : all) out.push_back(key + "=" + value);
  return out;
}

std::optional<fs::path> find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return fs::path(name);
  const char* path = std::getenv("PATH");
  for (const auto& folder :
       split(path != nullptr ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

std::unique_ptr<Processes> make_processes() { return std::make_unique<SpawnProcesses>(); }

}  // namespace defang
