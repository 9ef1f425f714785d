#include "emulator/engines/build_context.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>

namespace defang::emulator {
namespace {

struct CloseReader {
  void operator()(archive* one) const { archive_read_free(one); }
};
struct CloseWriter {
  void operator()(archive* one) const { archive_write_free(one); }
};
using Reader = std::unique_ptr<archive, CloseReader>;
using Writer = std::unique_ptr<archive, CloseWriter>;

// Owners and times matter to no build; permissions do.
constexpr int kUnpackFlags =
    ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_UNLINK;

std::unexpected<Error> broken(const std::filesystem::path& path, const char* why) {
  return fail(Error::Kind::invalid, "build-context-invalid",
              fmt::format("cannot unpack {}: {}", path.filename().string(), why == nullptr ? "not an archive" : why));
}

Result<void> copy_content(archive* from, archive* to, const std::filesystem::path& path) {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int result = archive_read_data_block(from, &bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return {};
    if (result < ARCHIVE_WARN) return broken(path, archive_error_string(from));
    if (archive_write_data_block(to, bytes, size, offset) < ARCHIVE_WARN) return broken(path, archive_error_string(to));
  }
}

/// Below the folder; nothing for a name that means the folder itself.
Result<bool> place_below(archive_entry* entry, const std::filesystem::path& folder, const std::filesystem::path& path) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) return broken(path, "an entry without a name");
  const std::filesystem::path given(name);
  if (given.is_absolute()) return broken(path, fmt::format("`{}` is an absolute path", name).c_str());
  const auto clean = given.lexically_normal();
  if (!clean.empty() && *clean.begin() == "..") return broken(path, fmt::format("`{}` leads outside", name).c_str());
  if (clean.empty() || clean == "." || clean == "./") return false;
  archive_entry_set_pathname(entry, (folder / clean).c_str());
  if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
    const auto target = std::filesystem::path(link).lexically_normal();
    if (target.is_absolute() || *target.begin() == "..") {
      return broken(path, fmt::format("`{}` links outside", name).c_str());
    }
    archive_entry_set_hardlink(entry, (folder / target).c_str());
  }
  return true;
}

}  // namespace

Result<void> unpack(const std::filesystem::path& archive_path, const std::filesystem::path& folder,
                    std::stop_token stop) {
  const Reader from(archive_read_new());
  archive_read_support_format_tar(from.get());
  archive_read_support_filter_gzip(from.get());
  const Writer to(archive_write_disk_new());
  archive_write_disk_set_options(to.get(), kUnpackFlags);
  if (archive_read_open_filename(from.get(), archive_path.c_str(), 1 << 16) != ARCHIVE_OK) {
    return broken(archive_path, archive_error_string(from.get()));
  }
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(folder, error);  // a link on the way to it is no escape
  for (;;) {
    if (stop.stop_requested()) return stopped();
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(from.get(), &entry);
    if (result == ARCHIVE_EOF) return {};
    if (result < ARCHIVE_WARN) return broken(archive_path, archive_error_string(from.get()));
    TRY_ASSIGN(const bool wanted, place_below(entry, root, archive_path));
    if (!wanted) continue;
    if (archive_write_header(to.get(), entry) < ARCHIVE_WARN)
      return broken(archive_path, archive_error_string(to.get()));
    TRY(copy_content(from.get(), to.get(), archive_path));
  }
}

}  // namespace defang::emulator
