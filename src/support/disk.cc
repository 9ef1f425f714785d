#include "support/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>

namespace defang {
namespace {

namespace fs = std::filesystem;

struct ErrnoRow {
  int number;
  std::string_view code;
  std::string_view text;
};
constexpr ErrnoRow kErrnoRows[] = {
    {ENOENT, "file-not-found", "no such file or folder"}, {ENOTDIR, "file-not-found", "no such file or folder"},
    {EACCES, "file-permission", "permission denied"},     {EPERM, "file-permission", "permission denied"},
    {ENOSPC, "file-full", "no space left on the disk"},   {EDQUOT, "file-full", "disk quota exceeded"},
    {EROFS, "file-read-only", "read-only file system"},   {EISDIR, "file-is-folder", "is a folder"},
};

std::unexpected<Error> fail_errno(int number, std::string_view doing, const fs::path& path) {
  for (const auto& row : kErrnoRows) {
    if (row.number == number)
      return fail(Error::Kind::refused, std::string(row.code),
                  fmt::format("cannot {} `{}`: {}", doing, path.string(), row.text));
  }
  return fail(Error::Kind::refused, "file-other",
              fmt::format("cannot {} `{}`: {}", doing, path.string(), strerrordesc_np(number)));
}

/// Closes at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

class DescriptorReader : public Disk::Reader {
 public:
  DescriptorReader(int fd, fs::path path) : file_(fd), path_(std::move(path)) {}
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    while (true) {
      const ssize_t count = ::read(file_.get(), buffer, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(errno, "read", path_);
      return static_cast<std::size_t>(count);
    }
  }

 private:
  Descriptor file_;
  fs::path path_;
};

class TextReader : public Disk::Reader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    const std::size_t count = text_.copy(buffer, size, at_);
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

class RealDisk : public Disk {
 public:
  Result<std::unique_ptr<Reader>> open(const fs::path& path) const override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(errno, "read", path);
    return std::make_unique<DescriptorReader>(fd, path);
  }

  Result<std::string> read(const fs::path& path) const override {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return fail_errno(errno, "read", path);
    std::string content;
    char buffer[65536];
    while (true) {
      const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(errno, "read", path);
      if (count == 0) return content;
      content.append(buffer, static_cast<std::size_t>(count));
    }
  }

  Result<void> write(const fs::path& path, std::string_view content, Access access) override {
    if (path.has_parent_path()) TRY(make_folder(path.parent_path()));
    const std::string beside = fmt::format("{}.{}.part", path.string(), ::getpid());
    const auto mode = access == Access::owner_only ? 0600 : 0644;
    {
      const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
      if (file.get() < 0) return fail_errno(errno, "write", path);
      if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
        const int number = errno;
        ::unlink(beside.c_str());
        return fail_errno(number, "write", path);
      }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) {
      const int number = errno;
      ::unlink(beside.c_str());
      return fail_errno(number, "write", path);
    }
    return {};
  }

  Result<void> append(const fs::path& path, std::string_view content) override {
    if (path.has_parent_path()) TRY(make_folder(path.parent_path()));
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (file.get() < 0 || !write_all(file.get(), content)) return fail_errno(errno, "append to", path);
    return {};
  }

  Result<void> remove(const fs::path& path) override {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) return fail_errno(error.value(), "remove", path);
    return {};
  }

  Result<void> make_folder(const fs::path& path) override {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return fail_errno(error.value(), "create", path);
    return {};
  }

  Result<Entry> look_at(const fs::path& path) const override {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return fail_errno(errno, "read", path);
    Entry entry;
    entry.name = path.filename().string();
    entry.size_bytes = static_cast<std::uint64_t>(info.st_size);
    entry.mode = info.st_mode & 07777;
    if (S_ISREG(info.st_mode)) {
      entry.kind = Entry::Kind::file;
    } else if (S_ISDIR(info.st_mode)) {
      entry.kind = Entry::Kind::folder;
    } else if (S_ISLNK(info.st_mode)) {
      entry.kind = Entry::Kind::link;
      std::error_code error;
      entry.link_target = fs::read_symlink(path, error).string();
    } else {
      entry.kind = Entry::Kind::other;
    }
    return entry;
  }

  Result<std::vector<Entry>> list(const fs::path& folder) const override {
    std::error_code error;
    std::vector<Entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      TRY_ASSIGN(auto entry, look_at(it->path()));
      entries.push_back(std::move(entry));
    }
    if (error) return fail_errno(error.value(), "list", folder);
    std::ranges::sort(entries, {}, &Entry::name);
    return entries;
  }

  Result<fs::path> working_folder() const override {
    std::error_code error;
    auto path = fs::current_path(error);
    if (error) return fail_errno(error.value(), "read", ".");
    return path;
  }
};

}  // namespace

bool Disk::is_file(const fs::path& path) const {
  auto entry = look_at(path);
  if (entry && entry->kind == Entry::Kind::link) {
    std::error_code error;
    return fs::is_regular_file(path, error);
  }
  return entry && entry->kind == Entry::Kind::file;
}

bool Disk::is_folder(const fs::path& path) const {
  auto entry = look_at(path);
  if (entry && entry->kind == Entry::Kind::link) {
    std::error_code error;
    return fs::is_directory(path, error);
  }
  return entry && entry->kind == Entry::Kind::folder;
}

std::unique_ptr<Disk> make_real_disk() { return std::make_unique<RealDisk>(); }

namespace {
/// One for all of them: the emulator's threads write to the disk of a test at the same time.
std::recursive_mutex fake_disks;
}  // namespace

FakeDisk::FakeDisk(std::map<std::string, std::string> initial, fs::path working_folder)
    : working_folder_(std::move(working_folder)) {
  for (auto& [path, content] : initial) files[absolute(path)] = std::move(content);
}

std::string FakeDisk::absolute(const fs::path& path) const {
  std::string text = (working_folder_ / path).lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<std::unique_ptr<Disk::Reader>> FakeDisk::open(const fs::path& path) const {
  TRY_ASSIGN(std::string text, read(path));
  return std::make_unique<TextReader>(std::move(text));
}

Result<std::string> FakeDisk::read(const fs::path& path) const {
  const std::lock_guard lock(fake_disks);
  const auto found = files.find(absolute(path));
  if (found == files.end()) return fail_errno(ENOENT, "read", path);
  return found->second;
}

Result<void> FakeDisk::write(const fs::path& path, std::string_view content, Access) {
  const std::lock_guard lock(fake_disks);
  files[absolute(path)] = std::string(content);
  return {};
}

Result<void> FakeDisk::append(const fs::path& path, std::string_view content) {
  const std::lock_guard lock(fake_disks);
  files[absolute(path)] += content;
  return {};
}

Result<void> FakeDisk::remove(const fs::path& path) {
  const std::lock_guard lock(fake_disks);
  const std::string target = absolute(path);
  std::erase_if(files, [&](const auto& file) { return file.first == target || file.first.starts_with(target + "/"); });
  std::erase_if(folders_, [&](const auto& folder) { return folder == target || folder.starts_with(target + "/"); });
  return {};
}

Result<void> FakeDisk::make_folder(const fs::path& path) {
  const std::lock_guard lock(fake_disks);
  folders_.push_back(absolute(path));
  return {};
}

Result<Disk::Entry> FakeDisk::look_at(const fs::path& path) const {
  const std::lock_guard lock(fake_disks);
  const std::string target = absolute(path);
  if (const auto found = files.find(target); found != files.end())
    return Entry{fs::path(target).filename().string(), Entry::Kind::file, found->second.size(), 0644, ""};
  const auto below = [&](const std::string& other) {
    return other == target || other.starts_with(target == "/" ? "/" : target + "/");
  };
  if (std::ranges::any_of(files, [&](const auto& file) { return below(file.first); }) ||
      std::ranges::any_of(folders_, below))
    return Entry{fs::path(target).filename().string(), Entry::Kind::folder, 0, 0755, ""};
  return fail_errno(ENOENT, "read", path);
}

Result<std::vector<Disk::Entry>> FakeDisk::list(const fs::path& folder) const {
  const std::lock_guard lock(fake_disks);
  TRY_ASSIGN(const auto self, look_at(folder));
  if (self.kind != Entry::Kind::folder) return fail_errno(ENOTDIR, "list", folder);
  const std::string prefix = absolute(folder) == "/" ? "/" : absolute(folder) + "/";
  std::set<std::string> names;
  const auto take = [&](const std::string& path) {
    if (path.starts_with(prefix))
      names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
  };
  for (const auto& [path, content] : files) take(path);
  std::ranges::for_each(folders_, take);
  std::vector<Entry> entries;
  for (const auto& name : names) {
    TRY_ASSIGN(auto entry, look_at(prefix + name));
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto relative = path.lexically_normal().lexically_relative(folder.lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace defang
