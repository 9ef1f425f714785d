#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/answer.h"
#include "emulator/request.h"
#include "emulator/runtime.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/result.h"

namespace defang::emulator {

/// What the data plane of a registry must know from ARM and Entra. Registry names are lower case, without a server.
class RegistryAccess {
 public:
  enum class Right { pull, push, remove };
  struct AdminUser {
    std::string name;
    std::vector<Secret> passwords;
  };
  virtual ~RegistryAccess() = default;
  /// The object id behind an Entra access token; nothing where it is not valid.
  virtual std::optional<std::string> principal_of(const std::string& access_token) const = 0;
  /// By effective role assignments: AcrPull, AcrPush, AcrDelete, Owner, Contributor; Reader may pull.
  virtual bool may(const std::string& principal, const std::string& registry, Right right) const = 0;
  /// Nothing while adminUserEnabled is false (ACR-4).
  virtual std::optional<AdminUser> admin(const std::string& registry) const = 0;
};

/// `/v2/a/b/manifests/latest` taken apart: repository `a/b`, kind `manifests`, rest `latest`.
struct RegistryPath {
  std::string repository;
  std::string kind;  // manifests, blobs, uploads, tags
  std::string rest;
};
std::optional<RegistryPath> parse_registry_path(const std::vector<std::string>& segments);
/// As the distribution specification has errors.
Answer registry_error(int status, std::string_view code, std::string_view message, Json detail = nullptr);

/// The data planes of all container registries: the OCI distribution API with ACR's token exchange (ACR-5). Calls may
/// come from any thread.
class Registries {
 public:
  virtual ~Registries() = default;

  /// Any request at a registry's own host: `/v2/...` and `/oauth2/...`.
  virtual Answer answer(const std::string& registry, Request& request) = 0;

  /// The digest behind a tag, or the digest itself where it is there.
  virtual std::optional<std::string> digest(const std::string& registry, const std::string& repository,
                                            const std::string& reference) const = 0;
  virtual std::vector<std::string> repositories(const std::string& registry) const = 0;
  virtual std::vector<std::string> tags(const std::string& registry, const std::string& repository) const = 0;
  /// With all that is in it.
  virtual void remove(const std::string& registry) = 0;

  /// Stores an image without content under a tag and returns its digest: what a build leaves where nothing can be
  /// built. `description` is part of its configuration, so that different sources have different digests.
  virtual Result<std::string> put_synthetic_image(const std::string& registry, const std::string& repository,
                                                  const std::string& tag, std::string_view description) = 0;

  /// Whether a pull with this login would get past the sign-in.
  virtual bool may_pull(const std::string& registry, const RegistryLogin& login) const = 0;

  /// A login that the data plane takes for this principal, as a managed identity gets one. What it may do is decided
  /// when it is used.
  virtual RegistryLogin login_of(const std::string& principal, const std::string& registry,
                                 const std::string& server) const = 0;
  /// The login of a registry's own runs, which may do everything in it.
  virtual RegistryLogin login_of_runs(const std::string& registry, const std::string& server) const = 0;
};

/// Everything is kept below `folder`, in files. `access` is asked at each request.
std::unique_ptr<Registries> make_registries(std::filesystem::path folder, const RegistryAccess& access,
                                            const Clock& clock, Random& random);

}  // namespace defang::emulator
