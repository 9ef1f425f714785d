#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/disk.h"
#include "support/result.h"

namespace defang::emulator {

/// The emulator's own certificate authority: made once, kept in the state folder, trusted by clients through
/// SSL_CERT_FILE.
class CertificateAuthority {
 public:
  /// Reads `ca.crt` and `ca.key` of the folder, or makes them.
  static Result<CertificateAuthority> open(Disk& disk, const std::filesystem::path& folder);

  static constexpr std::int64_t kServerDays = 820;  // clients of Apple refuse more than 825

  struct Certificate {
    std::string certificate_pem;  // with the authority's behind it
    std::string key_pem;
  };
  /// A certificate for servers of these names; what looks like an address becomes one.
  Result<Certificate> issue(const std::vector<std::string>& names, std::int64_t valid_days = kServerDays) const;

  const std::string& certificate_pem() const { return certificate_pem_; }
  /// By which OpenSSL looks for it in a folder of authorities: "1a2b3c4d.0".
  std::string hashed_name() const;
  const std::filesystem::path& certificate_file() const { return certificate_file_; }

 private:
  std::filesystem::path certificate_file_;
  std::string certificate_pem_;
  std::string key_pem_;
};

}  // namespace defang::emulator
