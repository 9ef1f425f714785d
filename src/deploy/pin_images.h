#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "deploy/azure_access.h"
#include "plan/plan.h"

/// Digests behind the tags of images. An app names the digest: all its replicas run the same image, and an unchanged
/// service stays as it is whatever a registry does to the tag (CA-32).
namespace defang::deploy {

/// What is kept of an image between runs.
struct PinnedImage {
  std::string digest;  // "sha256:..."; empty: it is used as written, because nobody could say
  std::int64_t asked_at_ms = 0;
  friend bool operator==(const PinnedImage&, const PinnedImage&) = default;
};
/// By the name as written.
using PinnedImages = std::map<std::string, PinnedImage>;
nlohmann::json images_json(const PinnedImages& images);
/// Throws nlohmann::json::exception for what images_json did not write.
PinnedImages images_of(const nlohmann::json& json);
std::map<std::string, std::string> digests_of(const PinnedImages& images);

/// What the user says of all services at once, as `docker compose up --pull` does.
enum class Pull { as_services_say, always, missing };
/// "always", "missing", "never"; anything else: as the services say.
Pull parse_pull(std::string_view word);

/// Images of these services and of what they depend on; of all where none is named.
std::vector<plan::PulledImage> images_to_pin(const compose::Project& project, const plan::Stack& stack,
                                             const std::vector<std::string>& services, Pull pull);

/// Those of `images` as they are to be used: as known where that is recent enough, else looked up at their registries,
/// all at the same time. An image that does not exist, or that nobody may see, is an error: no replica could start. One
/// that cannot be asked about stays as known, or as written.
/// `vault`: where passwords of registries are.
Result<PinnedImages> pin_images(const std::vector<plan::PulledImage>& images, const PinnedImages& known,
                                const std::map<std::string, plan::RegistryUser>& users, const azure::ResourceId& vault,
                                const AzureAccess& access, Diagnostics& diagnostics, std::stop_token stop);

}  // namespace defang::deploy
