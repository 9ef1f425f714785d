#include "emulator/services/redis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "support/digest.h"
#include "support/process.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using namespace std::chrono_literals;

constexpr auto kStartLimit = 60s;

struct Eviction {
  std::string_view azure, redis;
};
constexpr auto kEvictions = std::to_array<Eviction>({
    {"AllKeysLFU", "allkeys-lfu"},
    {"AllKeysLRU", "allkeys-lru"},
    {"AllKeysRandom", "allkeys-random"},
    {"NoEviction", "noeviction"},
    {"VolatileLFU", "volatile-lfu"},
    {"VolatileLRU", "volatile-lru"},
    {"VolatileRandom", "volatile-random"},
    {"VolatileTTL", "volatile-ttl"},
});  // RD-12

std::string_view eviction_of(std::string_view azure) {
  const auto found =
      std::ranges::find_if(kEvictions, [&](const Eviction& row) { return equals_ignoring_case(row.azure, azure); });
  return found == kEvictions.end() ? "volatile-lru" : found->redis;
}

/// Keys are in there as digests only.
std::string settings_of(const RedisServers::Wish& wish) {
  std::string text = "bind 127.0.0.1\nprotected-mode no\ndatabases 1\nappendonly yes\nsave \"\"\n";  // RD-10
  text += fmt::format("dir \"{}\"\nmaxmemory {}\nmaxmemory-policy {}\n", wish.folder.string(), wish.memory_bytes,
                      eviction_of(wish.eviction));
  if (wish.encrypted)
    text += fmt::format(
        "port 0\ntls-port {}\ntls-cert-file \"{}\"\ntls-key-file \"{}\"\ntls-auth-clients no\n"
        "tls-protocols \"TLSv1.2 TLSv1.3\"\n",
        RedisServers::kPort, (wish.folder / "server.crt").string(), (wish.folder / "server.key").string());
  else
    text += fmt::format("port {}\n", RedisServers::kPort);
  std::string passwords;
  for (const auto* key : {&wish.primary_key, &wish.secondary_key})
    if (!key->empty()) passwords += " #" + sha256_hex(key->reveal());
  // RD-17: no commands of administrators.
  const auto* rights = "~* &* +@all -config -debug -shutdown -save -bgsave -bgrewriteaof -replicaof -acl -module";
  return text + fmt::format("user default {}{} {}\n", passwords.empty() ? "off" : "on", passwords, rights);
}

}  // namespace

std::string RedisServers::missing() {
  if (find_program("redis-server")) return {};
  return "managed Redis runs in `redis-server`, which is not installed (Debian and Ubuntu: `apt install redis-server`)";
}

Result<void> RedisServers::wait_until_ready(const std::string& id, const std::filesystem::path& folder) {
  for (const auto end = std::chrono::steady_clock::now() + kStartLimit; std::chrono::steady_clock::now() < end;) {
    if (!servers_.is_running(id)) break;
    if (servers_.answers(id, kPort)) return {};
    std::this_thread::sleep_for(10ms);
  }
  return fail(Error::Kind::refused, "redis",
              fmt::format("redis-server does not come up; {} says why", (folder / "redis.log").string()));
}

Result<void> RedisServers::keep(const std::string& id, const Wish& wish) {
  const auto settings = settings_of(wish);
  const auto done = done_.find(id);
  if (done != done_.end() && done->second == settings && servers_.is_running(id)) return {};
  servers_.end(id);
  TRY(disk_.make_folder(wish.folder));
  TRY_ASSIGN(const auto certificate, authority_.issue({wish.host}));
  TRY(disk_.write(wish.folder / "server.crt", certificate.certificate_pem));
  TRY(disk_.write(wish.folder / "server.key", certificate.key_pem, Disk::Access::owner_only));
  TRY(disk_.write(wish.folder / "redis.conf", settings, Disk::Access::owner_only));
  TRY(servers_.run(id, {"redis-server", wish.folder / "redis.conf"}, wish.folder / "redis.log"));
  done_[id] = settings;
  return wait_until_ready(id, wish.folder);
}

void RedisServers::remove(const std::string& id, const std::filesystem::path& folder) {
  servers_.close(id);
  done_.erase(id);
  (void)disk_.remove(folder);
}

}  // namespace defang::emulator
