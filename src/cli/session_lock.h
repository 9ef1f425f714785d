#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "support/result.h"

namespace defang::cli {

/// A file that is locked as long as a session of this machine goes on, however it ends: so the next one knows which of
/// those in Azure nobody uses any more.
class SessionLock {
 public:
  static Result<SessionLock> take(const std::filesystem::path& folder, const std::string& session);
  ~SessionLock();
  SessionLock(SessionLock&& other) noexcept;
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  /// The session is over, and nothing of it is left to be found.
  void forget();

 private:
  SessionLock(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}
  std::filesystem::path path_;
  int file_ = -1;
};

/// Nothing where the session was begun elsewhere.
std::optional<bool> is_session_over(const std::filesystem::path& folder, const std::string& session);
void forget_session(const std::filesystem::path& folder, const std::string& session);

}  // namespace defang::cli
