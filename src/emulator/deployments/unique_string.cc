// uniqueString() and guid(). Microsoft documents neither algorithm; what is here gives the names that recorded
// deployments got (see the tests).
#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstdint>

#include "emulator/deployments/expression.h"
#include "support/digest.h"

namespace defang::emulator {
namespace {

/// Up to four bytes, the first lowest.
std::uint32_t word(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, bytes.size()); ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

constexpr std::uint32_t kFirst = 0x239b961b, kSecond = 0xab0e9789;

std::uint32_t mixed_first(std::uint32_t k) { return std::rotl(k * kFirst, 15) * kSecond; }
std::uint32_t mixed_second(std::uint32_t k) { return std::rotl(k * kSecond, 17) * kFirst; }

std::uint32_t finished(std::uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

/// MurmurHash3, two lanes of 32 bits, seed 0.
std::uint64_t murmur64(std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::uint32_t h1 = 0, h2 = 0;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    h1 = (std::rotl(h1 ^ mixed_first(word(bytes)), 19) + h2) * 5 + 0x561ccd1b;
    h2 = (std::rotl(h2 ^ mixed_second(word(bytes.substr(4))), 13) + h1) * 5 + 0x0bcaa747;
  }
  if (!bytes.empty()) h1 ^= mixed_first(word(bytes));
  if (bytes.size() > 4) h2 ^= mixed_second(word(bytes.substr(4)));
  h1 ^= size;
  h2 ^= size;
  h1 += h2;
  h2 += h1;
  h1 = finished(h1);
  h2 = finished(h2);
  h1 += h2;
  h2 += h1;
  return static_cast<std::uint64_t>(h2) << 32 | h1;
}

}  // namespace

std::string unique_string(std::string_view text) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr int kCharacters = 13;
  std::string out;
  auto hash = murmur64(text);
  for (int i = 0; i < kCharacters; ++i, hash <<= 5) out += kAlphabet[hash >> 59];
  return out;
}

/// RFC 4122 version 5, in the name space of Azure's templates.
std::string template_guid(std::string_view text) {
  constexpr std::string_view kNamespace = "\x11\xfb\x06\xfb\x71\x2d\x4d\xdd\x98\xc7\xe7\x1b\xbd\x58\x88\x30";
  const std::string named = std::string(kNamespace) + std::string(text);
  std::array<unsigned char, EVP_MAX_MD_SIZE> sha1{};
  EVP_Digest(named.data(), named.size(), sha1.data(), nullptr, EVP_sha1(), nullptr);
  sha1[6] = static_cast<unsigned char>((sha1[6] & 0x0f) | 0x50);
  sha1[8] = static_cast<unsigned char>((sha1[8] & 0x3f) | 0x80);
  std::string id = hex(std::string_view(reinterpret_cast<const char*>(sha1.data()), 16));
  for (const std::size_t at : {20u, 16u, 12u, 8u}) id.insert(at, 1, '-');
  return id;
}

}  // namespace defang::emulator
