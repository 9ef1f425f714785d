#include "cli/session_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace defang::cli {
namespace {

namespace fs = std::filesystem;

/// The whole file, for one open file: it goes with the process.
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

/// A tag of Azure's, so anybody's text.
bool is_name(const std::string& session) {
  return !session.empty() &&
         std::ranges::all_of(session, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

}  // namespace

Result<SessionLock> SessionLock::take(const fs::path& folder, const std::string& session) {
  std::error_code error;
  fs::create_directories(folder, error);
  const auto path = folder / session;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct flock lock = whole_file();
  if (file >= 0 && ::fcntl(file, F_OFD_SETLK, &lock) == 0) return SessionLock(path, file);
  const int why = errno;
  if (file >= 0) ::close(file);
  return fail(Error::Kind::refused, "file-other",
              fmt::format("cannot write to {}: {}", folder.string(), strerrordesc_np(why)));
}

SessionLock::SessionLock(SessionLock&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

SessionLock::~SessionLock() {
  if (file_ >= 0) ::close(file_);
}

void SessionLock::forget() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

std::optional<bool> is_session_over(const fs::path& folder, const std::string& session) {
  if (!is_name(session)) return std::nullopt;
  const int file = ::open((folder / session).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock = whole_file();
  const bool is_held = ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return !is_held;
}

void forget_session(const fs::path& folder, const std::string& session) {
  std::error_code ignored;
  if (is_name(session)) fs::remove(folder / session, ignored);
}

}  // namespace defang::cli
