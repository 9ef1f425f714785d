#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace defang {

/// Before the first use, once: OpenSSL reads no configuration file, whose modules a static program could not load.
void start_crypto();

std::string sha256_hex(std::string_view bytes);
/// Raw 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string md5_base64(std::string_view bytes);  // Content-MD5
std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);   // without padding
std::string from_base64(std::string_view text);  // both alphabets, padding optional; what is not base64 is skipped
std::string hex(std::string_view bytes);
/// A name-based UUID (RFC 4122 version 5) of `name` in our own name space: deterministic ids such as role assignment
/// names.
std::string uuid_of(std::string_view name);

/// SHA-256 of what arrives piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string finish_hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Randomness as a parameter.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::string bytes(std::size_t count) = 0;
  /// Uniform in [0, bound).
  std::uint64_t below(std::uint64_t bound);
  std::string uuid();  // version 4
};
std::unique_ptr<Random> make_system_random();
/// The same sequence for the same seed, on every machine.
std::unique_ptr<Random> make_seeded_random(std::uint64_t seed);

}  // namespace defang
