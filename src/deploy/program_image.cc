#include "deploy/program_image.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "deploy/parallel_gzip.h"
#include "rest/blob_client.h"
#include "support/digest.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAuthorities = "etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kThreads = 2;

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T value{};
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

class Tar {
 public:
  Tar() {
    archive_write_set_format_gnutar(archive_);
    archive_write_set_bytes_in_last_block(archive_, 1);
    archive_write_open(archive_, &bytes_, nullptr, take, nullptr);
  }
  ~Tar() { archive_write_free(archive_); }
  Tar(const Tar&) = delete;
  Tar& operator=(const Tar&) = delete;

  void folder(const char* path) { header(path, AE_IFDIR, 0755, 0); }
  void file(const char* path, int mode, const std::string& content) {
    header(path, AE_IFREG, mode, content.size());
    archive_write_data(archive_, content.data(), content.size());
  }
  std::string finish() {
    archive_write_close(archive_);
    return std::move(bytes_);
  }

 private:
  static la_ssize_t take(archive*, void* bytes, const void* piece, std::size_t size) {
    static_cast<std::string*>(bytes)->append(static_cast<const char*>(piece), size);
    return static_cast<la_ssize_t>(size);
  }
  void header(const char* path, unsigned type, int mode, std::size_t size) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, static_cast<__LA_MODE_T>(mode));
    archive_entry_set_size(entry, static_cast<la_int64_t>(size));
    archive_entry_set_mtime(entry, 0, 0);
    archive_write_header(archive_, entry);
    archive_entry_free(entry);
  }

  std::string bytes_;
  archive* archive_ = archive_write_new();
};

std::string digest_of(const std::string& content) { return "sha256:" + sha256_hex(content); }

Result<std::string> compressed(std::string plain) {
  const auto source = gzipped(rest::text_source(std::move(plain)), kThreads);
  std::string all, piece(1u << 16, '\0');
  while (true) {
    TRY_ASSIGN(const std::size_t got, source->read(piece.data(), piece.size()));
    if (got == 0) return all;
    all.append(piece, 0, got);
  }
}

Json described(const char* type, const rest::OciImage::Blob& blob) {
  return {{"mediaType", type}, {"digest", blob.digest}, {"size", blob.content.size()}};
}

}  // namespace

std::optional<std::string> why_not_alone(std::string_view program) {
  constexpr std::uint16_t kX86 = 62;         // EM_X86_64
  constexpr std::uint32_t kInterpreter = 3;  // PT_INTERP: who loads the shared libraries
  if (!program.starts_with("\x7f"
                           "ELF\x02\x01") ||
      number_at<std::uint16_t>(program, 18) != kX86)
    return "it is no program for linux/amd64";
  const auto headers = number_at<std::uint64_t>(program, 32);
  const auto size = number_at<std::uint16_t>(program, 54), count = number_at<std::uint16_t>(program, 56);
  for (std::uint16_t index = 0; index < count; ++index)
    if (number_at<std::uint32_t>(program, headers + std::size_t{index} * size) == kInterpreter)
      return "it needs shared libraries";
  return std::nullopt;
}

Result<rest::OciImage> make_program_image(const std::string& program, const std::string& authorities) {
  if (const auto why = why_not_alone(program))
    return fail({.kind = Error::Kind::refused,
                 .code = "program-not-alone",
                 .message = "this program cannot be made an image: " + *why,
                 .help = "name a released one for linux/amd64 in DEFANG_CD_PROGRAM, or an image of it in "
                         "DEFANG_CD_IMAGE"});
  Tar tar;
  tar.file("defang", 0755, program);
  for (const char* folder : {"etc/", "etc/ssl/", "etc/ssl/certs/"}) tar.folder(folder);
  tar.file(kAuthorities, 0644, authorities);
  std::string layer = tar.finish();
  const std::string layer_digest = digest_of(layer);
  TRY_ASSIGN(std::string packed, compressed(std::move(layer)));

  const Json config = {{"architecture", "amd64"},
                       {"os", "linux"},
                       {"config",
                        {{"Entrypoint", Json::array({"/defang"})},
                         {"Env", Json::array({fmt::format("SSL_CERT_FILE=/{}", kAuthorities), "HOME=/"})},
                         {"WorkingDir", "/"}}},
                       {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array({layer_digest})}}}};
  rest::OciImage image;
  for (std::string content : {std::move(packed), config.dump()}) image.blobs.push_back({digest_of(content), content});
  image.manifest =
      Json{{"schemaVersion", 2},
           {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
           {"config", described("application/vnd.oci.image.config.v1+json", image.blobs[1])},
           {"layers", Json::array({described("application/vnd.oci.image.layer.v1.tar+gzip", image.blobs[0])})}}
          .dump();
  image.manifest_digest = digest_of(image.manifest);
  return image;
}

}  // namespace defang::deploy
