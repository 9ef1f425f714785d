#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace defang {

/// The file system as the program sees it. Errors have codes file-not-found, file-permission, file-full,
/// file-read-only, file-is-folder, file-other.
class Disk {
 public:
  struct Entry {
    enum class Kind { file, folder, link, other };
    std::string name;  // last part only
    Kind kind = Kind::file;
    std::uint64_t size_bytes = 0;
    unsigned mode = 0;  // permission bits
    std::string link_target;
  };
  enum class Access { everyone, owner_only };  // 0644 or 0600

  /// A file that is read piece by piece, so that its size does not matter.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual Result<std::size_t> read(char* buffer, std::size_t size) = 0;  // 0 at the end
  };

  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<Reader>> open(const std::filesystem::path& path) const = 0;
  virtual Result<std::string> read(const std::filesystem::path& path) const = 0;
  /// Whole file or nothing: written beside, flushed, renamed. Creates missing folders.
  virtual Result<void> write(const std::filesystem::path& path, std::string_view content,
                             Access access = Access::everyone) = 0;
  virtual Result<void> append(const std::filesystem::path& path, std::string_view content) = 0;
  virtual Result<void> remove(
      const std::filesystem::path& path) = 0;  // a missing file is fine; folders with all in them
  virtual Result<void> make_folder(const std::filesystem::path& path) = 0;
  /// Without following a last link. file-not-found when absent.
  virtual Result<Entry> look_at(const std::filesystem::path& path) const = 0;
  /// Sorted by name, bytewise.
  virtual Result<std::vector<Entry>> list(const std::filesystem::path& folder) const = 0;
  virtual Result<std::filesystem::path> working_folder() const = 0;

  bool is_file(const std::filesystem::path& path) const;    // follows links
  bool is_folder(const std::filesystem::path& path) const;  // follows links
};

std::unique_ptr<Disk> make_real_disk();

/// `path` is `folder` or lies below it, by their texts alone.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Files in memory, for tests. Folders exist as soon as something is in them.
class FakeDisk : public Disk {
 public:
  explicit FakeDisk(std::map<std::string, std::string> files = {}, std::filesystem::path working_folder = "/project");

  Result<std::unique_ptr<Reader>> open(const std::filesystem::path& path) const override;
  Result<std::string> read(const std::filesystem::path& path) const override;
  Result<void> write(const std::filesystem::path& path, std::string_view content, Access access) override;
  Result<void> append(const std::filesystem::path& path, std::string_view content) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> make_folder(const std::filesystem::path& path) override;
  Result<Entry> look_at(const std::filesystem::path& path) const override;
  Result<std::vector<Entry>> list(const std::filesystem::path& folder) const override;
  Result<std::filesystem::path> working_folder() const override { return working_folder_; }

  std::map<std::string, std::string> files;  // absolute path -> content

 private:
  std::string absolute(const std::filesystem::path& path) const;
  std::filesystem::path working_folder_;
  std::vector<std::string> folders_;
};

}  // namespace defang
