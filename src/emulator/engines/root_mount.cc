#include "emulator/engines/root_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;

/// True as well where the kernel does not tell: then nothing is changed.
bool root_is_mounted() {
  struct statx root{};
  if (::statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &root) != 0) return true;
  return (root.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0 || (root.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<void> refused(const char* what, const fs::path& folder) {
  return fail(Error::Kind::refused, "root-not-mounted",
              fmt::format("containers need `/` to be a mount point, and {} {} failed: {}", what, folder.string(),
                          std::strerror(errno)));
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

}  // namespace

Result<void> restart_where_root_is_mounted(const fs::path& folder) {
  if (::geteuid() != 0 || root_is_mounted()) return {};
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  const auto working = fs::current_path(error);
  auto words = own_arguments();
  if (error || words.empty()) return refused("reading /proc before mounting at", folder);
  fs::create_directories(folder, error);
  if (::unshare(CLONE_NEWNS) != 0) return refused("a mount namespace for", folder);
  if (::mount("/", folder.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return refused("mounting it at", folder);
  // What containers mount stays in here.
  if (::mount(nullptr, folder.c_str(), nullptr, MS_PRIVATE | MS_REC, nullptr) != 0)
    return refused("making private", folder);
  if (::chroot(folder.c_str()) != 0 || ::chdir(working.c_str()) != 0) return refused("entering", folder);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return refused("starting again in", folder);
}

}  // namespace defang::emulator
