#include "deploy/pin_images.h"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "deploy/diagnostics.h"
#include "deploy/vault_secrets.h"
#include "plan/narrow.h"
#include "rest/image_lookup.h"
#include "rest/vault_client.h"

namespace defang::deploy {
namespace {

using Is = rest::FoundImage::Is;

constexpr std::size_t kMostAtOnce = 8;

std::int64_t to_ms(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

bool is_recent(const plan::PulledImage& image, const PinnedImage& known, std::int64_t now_ms) {
  return !image.refresh_after || known.asked_at_ms + image.refresh_after->count() > now_ms;
}

/// The passwords for these images that can be read: not by everybody who may deploy, and not before the vault is there.
std::map<std::string, rest::RegistryPassword> passwords_for(const std::vector<const plan::PulledImage*>& images,
                                                            const std::map<std::string, plan::RegistryUser>& users,
                                                            const azure::ResourceId& vault, const AzureAccess& access,
                                                            std::stop_token stop) {
  std::map<std::string, rest::RegistryPassword> passwords;
  for (const auto& [server, user] : users) {
    if (std::ranges::none_of(images, [&](const auto* image) { return image->parts.server == server; })) continue;
    const auto secret = read_secret(access.arm, vault, plan::registry_secret_name(server), stop);
    if (!secret || !*secret) continue;
    auto password = rest::read_secret((*secret)->pinned_uri, access.cloud, access.pipeline, stop);
    if (password) passwords[server] = {user.name, std::move(*password)};
  }
  return passwords;
}

rest::FoundImage look_up(const plan::PulledImage& image, const std::map<std::string, rest::RegistryPassword>& passwords,
                         const AzureAccess& access, std::stop_token stop) {
  const auto& name = image.parts;
  rest::RegistryQuery query;
  if (const auto password = passwords.find(name.server); password != passwords.end()) query.login = password->second;
  std::optional<rest::RegistryClient> azure;
  if (plan::is_azure_registry(name.server, access.cloud.registry_suffix))
    query.azure = &azure.emplace(access.cloud, name.server, access.tenant, access.tokens, access.unsigned_pipeline);
  else
    query.mirror = access.cloud.emulator_registries;
  return rest::look_up_image({name.server, name.repository, name.tag}, query, access.unsigned_pipeline, stop);
}

}  // namespace

nlohmann::json images_json(const PinnedImages& images) {
  auto json = nlohmann::json::object();
  for (const auto& [name, image] : images) json[name] = {{"digest", image.digest}, {"askedAt", image.asked_at_ms}};
  return json;
}

PinnedImages images_of(const nlohmann::json& json) {
  PinnedImages images;
  for (const auto& [name, image] : json.items()) images[name] = {image.at("digest"), image.at("askedAt")};
  return images;
}

std::map<std::string, std::string> digests_of(const PinnedImages& images) {
  std::map<std::string, std::string> digests;
  for (const auto& [name, image] : images) digests[name] = image.digest;
  return digests;
}

Pull parse_pull(std::string_view word) {
  if (word == "always") return Pull::always;
  // Azure pulls wherever a replica starts: what can be missing is the digest.
  return word == "missing" || word == "never" ? Pull::missing : Pull::as_services_say;
}

std::vector<plan::PulledImage> images_to_pin(const compose::Project& project, const plan::Stack& stack,
                                             const std::vector<std::string>& services, Pull pull) {
  auto images = plan::pulled_images(project, stack);
  if (!services.empty()) {
    const auto wanted = plan::with_dependencies(project, services);
    std::erase_if(images, [&](const plan::PulledImage& image) {
      return std::ranges::find_first_of(image.services, wanted) == image.services.end();
    });
  }
  for (auto& image : images) {
    if (pull == Pull::always) image.refresh_after = std::chrono::milliseconds(0);
    if (pull == Pull::missing) image.refresh_after.reset();
  }
  return images;
}

Result<PinnedImages> pin_images(const std::vector<plan::PulledImage>& images, const PinnedImages& known,
                                const std::map<std::string, plan::RegistryUser>& users, const azure::ResourceId& vault,
                                const AzureAccess& access, Diagnostics& diagnostics, std::stop_token stop) {
  const auto now_ms = to_ms(access.clock.now());
  PinnedImages pinned;
  std::vector<const plan::PulledImage*> wanted;
  for (const auto& image : images) {
    const auto found = known.find(image.name);
    if (found == known.end() || !is_recent(image, found->second, now_ms))
      wanted.push_back(&image);
    else
      pinned.insert(*found);
  }
  if (wanted.empty()) return pinned;
  const auto passwords = passwords_for(wanted, users, vault, access, stop);
  std::vector<rest::FoundImage> found(wanted.size());
  {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t count = 0; count < std::min(kMostAtOnce, wanted.size()); ++count)
      threads.emplace_back([&] {
        for (auto at = next++; at < wanted.size(); at = next++)
          found[at] = look_up(*wanted[at], passwords, access, stop);
      });
  }
  if (stop.stop_requested()) return stopped();
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    const auto& image = *wanted[at];
    if (found[at].is == Is::there) {
      pinned[image.name] = {found[at].digest, now_ms};
      continue;
    }
    // Who was not told asks again next time, where the image is to be looked up anew at all.
    const auto was = known.find(image.name);
    const auto kept = was != known.end() ? was->second : PinnedImage();
    const auto server = image.parts.server;
    const bool has_rights = users.contains(server) || plan::is_azure_registry(server, access.cloud.registry_suffix);
    if (found[at].is == Is::missing && kept.digest.empty()) {
      report_missing_image(image, diagnostics);
    } else if (found[at].is == Is::closed && !has_rights && kept.digest.empty()) {
      report_closed_image(image, diagnostics);
    } else {
      report_unpinned_image(image, found[at], kept.digest, diagnostics);
      pinned[image.name] = kept;
    }
  }
  return pinned;
}

}  // namespace defang::deploy
