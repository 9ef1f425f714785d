#include "emulator/registry/image_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <system_error>

#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> cannot_write(const fs::path& path, const std::error_code& why) {
  return fail(Error::Kind::refused, why == std::errc::no_space_on_device ? "file-full" : "file-other",
              fmt::format("cannot write {}: {}", path.string(), why ? why.message() : "input/output error"));
}

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Result<void> write_whole(const fs::path& path, std::string_view content) {
  static std::atomic<unsigned> counter = 0;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return cannot_write(path, error);
  const fs::path beside = path.string() + fmt::format(".{}.new", ++counter);
  std::ofstream out(beside, std::ios::binary);
  out << content;
  out.close();
  if (!out) return cannot_write(path, std::error_code(errno, std::generic_category()));
  fs::rename(beside, path, error);
  if (error) return cannot_write(path, error);
  return {};
}

std::optional<std::string> sha256_of_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  Sha256 sum;
  std::string piece(1 << 16, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    sum.update(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount())));
  }
  return sum.finish_hex();
}

std::string digits(std::string_view digest) { return std::string(digest.substr(digest.find(':') + 1)); }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".new")) names.push_back(percent_decode(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
         text.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

bool is_repository_name(std::string_view name) {
  constexpr std::string_view kInside = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (name.empty() || name.size() > 255) return false;
  return std::ranges::all_of(split(name, '/'), [&](const std::string& part) {
    return !part.empty() && kInside.contains(part.front()) && kInside.contains(part.back()) &&
           std::ranges::all_of(part, [&](char c) { return kInside.contains(c) || c == '.' || c == '_' || c == '-'; });
  });
}

bool is_tag(std::string_view tag) {
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !tag.empty() && tag.size() <= 128 && word(static_cast<unsigned char>(tag[0])) &&
         std::ranges::all_of(tag, [&](unsigned char c) { return word(c) || c == '.' || c == '-'; });
}

fs::path ImageStore::blob_file(std::string_view digest) const { return folder_ / "blobs" / digits(digest); }

bool ImageStore::has_blob(std::string_view digest) const {
  std::error_code error;
  return is_digest(digest) && fs::is_regular_file(blob_file(digest), error);
}

void ImageStore::remove_blob(std::string_view digest) {
  std::error_code error;
  if (is_digest(digest)) fs::remove(blob_file(digest), error);
}

Result<std::string> ImageStore::put_blob(std::string_view content) {
  const auto digest = "sha256:" + sha256_hex(content);
  if (!has_blob(digest)) TRY(write_whole(blob_file(digest), content));
  return digest;
}

Result<void> ImageStore::start_upload(const std::string& id) { return write_whole(folder_ / "uploads" / id, ""); }

std::optional<std::uint64_t> ImageStore::upload_size(const std::string& id) const {
  std::error_code error;
  const auto size = fs::file_size(folder_ / "uploads" / id, error);
  if (error) return std::nullopt;
  return size;
}

Result<void> ImageStore::append_upload(const std::string& id, std::string_view bytes) {
  const auto path = folder_ / "uploads" / id;
  std::ofstream out(path, std::ios::binary | std::ios::app);
  out << bytes;
  out.close();
  if (!out) return cannot_write(path, std::error_code(errno, std::generic_category()));
  return {};
}

Result<void> ImageStore::append_upload_from(const std::string& id, const fs::path& file) {
  const auto path = folder_ / "uploads" / id;
  std::error_code error;
  if (upload_size(id) == 0u) {
    fs::rename(file, path, error);
    if (!error) return {};
  }
  std::ifstream in(file, std::ios::binary);
  std::ofstream out(path, std::ios::binary | std::ios::app);
  if (fs::file_size(file, error) > 0) out << in.rdbuf();
  out.close();
  if (!out || !in) return cannot_write(path, std::error_code(errno, std::generic_category()));
  fs::remove(file, error);
  return {};
}

Result<bool> ImageStore::finish_upload(const std::string& id, std::string_view digest) {
  const auto path = folder_ / "uploads" / id;
  std::error_code error;
  if (!is_digest(digest) || sha256_of_file(path) != digits(digest)) {
    fs::remove(path, error);
    return false;
  }
  fs::create_directories(folder_ / "blobs", error);
  fs::rename(path, blob_file(digest), error);
  if (error) return cannot_write(blob_file(digest), error);
  return true;
}

void ImageStore::cancel_upload(const std::string& id) {
  std::error_code error;
  fs::remove(folder_ / "uploads" / id, error);
}

fs::path ImageStore::repository_folder(const std::string& repository) const {
  return folder_ / "repositories" / percent_encode(repository);
}

Result<std::string> ImageStore::put_manifest(const std::string& repository, const std::string& reference,
                                             std::string_view content, std::string_view media_type) {
  TRY_ASSIGN(auto digest, put_blob(content));
  TRY(write_whole(repository_folder(repository) / "manifests" / digits(digest), media_type));
  if (!is_digest(reference)) TRY(write_whole(repository_folder(repository) / "tags" / reference, digest));
  return digest;
}

std::optional<std::string> ImageStore::digest(const std::string& repository, const std::string& reference) const {
  std::error_code error;
  if (is_digest(reference)) {
    const bool there = fs::exists(repository_folder(repository) / "manifests" / digits(reference), error);
    return there ? std::optional(reference) : std::nullopt;
  }
  if (!is_tag(reference)) return std::nullopt;
  return read_file(repository_folder(repository) / "tags" / reference);
}

std::optional<ImageStore::Manifest> ImageStore::manifest(const std::string& repository,
                                                         const std::string& reference) const {
  const auto found = digest(repository, reference);
  if (!found) return std::nullopt;
  auto media_type = read_file(repository_folder(repository) / "manifests" / digits(*found));
  auto content = read_file(blob_file(*found));
  if (!media_type || !content) return std::nullopt;
  return Manifest{*found, std::move(*media_type), std::move(*content)};
}

bool ImageStore::remove_manifest(const std::string& repository, const std::string& reference) {
  const auto found = digest(repository, reference);
  if (!found) return false;
  std::error_code error;
  const auto folder = repository_folder(repository);
  if (!is_digest(reference)) return fs::remove(folder / "tags" / reference, error);
  for (const auto& tag : tags(repository)) {
    if (digest(repository, tag) == found) fs::remove(folder / "tags" / tag, error);
  }
  return fs::remove(folder / "manifests" / digits(*found), error);
}

std::vector<std::string> ImageStore::repositories() const { return names_in(folder_ / "repositories"); }

std::vector<std::string> ImageStore::tags(const std::string& repository) const {
  return names_in(repository_folder(repository) / "tags");
}

}  // namespace defang::emulator
