#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace defang::emulator {

/// Blobs, manifests and tags of one registry, as files:
///
///   blobs/HEX                        content, by the hex digits of its SHA-256
///   repositories/REPO/manifests/HEX  the manifest's media type; its content is a blob
///   repositories/REPO/tags/TAG       a digest
///   uploads/ID                       what has arrived so far
///
/// REPO is percent-encoded, so that `a/b` is one folder. Every file but an upload is written beside and renamed.
class ImageStore {
 public:
  struct Manifest {
    std::string digest;
    std::string media_type;
    std::string content;
  };

  explicit ImageStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool has_blob(std::string_view digest) const;
  std::filesystem::path blob_file(std::string_view digest) const;
  void remove_blob(std::string_view digest);
  Result<std::string> put_blob(std::string_view content);  // its digest

  Result<void> start_upload(const std::string& id);
  std::optional<std::uint64_t> upload_size(const std::string& id) const;  // nothing: no such upload
  Result<void> append_upload(const std::string& id, std::string_view bytes);
  Result<void> append_upload_from(const std::string& id, const std::filesystem::path& file);  // consumes the file
  /// False: the content has another digest; the upload is then gone.
  Result<bool> finish_upload(const std::string& id, std::string_view digest);
  void cancel_upload(const std::string& id);

  Result<std::string> put_manifest(const std::string& repository, const std::string& reference,
                                   std::string_view content, std::string_view media_type);
  std::optional<Manifest> manifest(const std::string& repository, const std::string& reference) const;
  bool remove_manifest(const std::string& repository, const std::string& reference);
  std::optional<std::string> digest(const std::string& repository, const std::string& reference) const;
  std::vector<std::string> repositories() const;
  std::vector<std::string> tags(const std::string& repository) const;

 private:
  std::filesystem::path repository_folder(const std::string& repository) const;
  std::filesystem::path folder_;
};

/// `sha256:` and 64 lower-case hex digits.
bool is_digest(std::string_view text);
/// ACR-7 and the distribution specification: path components of [a-z0-9] with single separators inside.
bool is_repository_name(std::string_view name);
bool is_tag(std::string_view tag);

}  // namespace defang::emulator
