#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "azure/roles.h"
#include "compose/project.h"
#include "graph/graph.h"
#include "providers/cognitive_services.h"
#include "support/diagnostic.h"
#include "support/disk.h"

namespace defang::plan {

/// Stands for the subscription and the tenant in a plan that was made offline without knowing them.
inline constexpr const char* kUnknownId = "00000000-0000-0000-0000-000000000000";

/// A named instance of a project on Azure.
struct Stack {
  std::string name = "default";
  std::string subscription_id;  // GUID; offline it may be empty
  std::string tenant_id;        // the same
  std::string location = "westus3";
  std::string vnet_range = "10.0.0.0/16";
  providers::Mode mode = providers::Mode::affordable;
};
/// "affordable", "balanced", "high_availability" and their usual names, without case; nothing for others.
std::optional<providers::Mode> parse_mode(std::string_view name);

/// What stands at a path of this machine that the project mounts or makes a secret or config of.
struct LocalPath {
  enum class Kind { missing, file, folder };
  struct File {
    std::string name;  // relative to the folder; of a file: its own last part
    std::uint64_t size_bytes = 0;
    bool is_text = true;   // UTF-8 without NUL: what a vault can hold
    bool is_plain = true;  // false: a socket, a device, a link that leads nowhere
  };
  Kind kind = Kind::missing;
  std::vector<File> files;  // of a folder with all below it, up to kMostFilesSeen
};
inline constexpr std::size_t kMostFilesSeen = 100;
inline constexpr std::uint64_t kLargestCarried = 24 * 1024;  // KV-10: a secret's value has at most 25 KB

/// Whom a private registry knows; the password is in the vault.
struct RegistryUser {
  std::string name;
};

/// A name of an image, taken apart: "docker.io", "library/nginx", "1.27".
struct ImageName {
  std::string server, repository;
  std::string tag = "latest";
  std::string digest;  // "sha256:..."; empty: a tag names it
};
/// `[SERVER/]REPOSITORY[:TAG][@DIGEST]` (distribution/reference); nothing for what can be no image's name.
std::optional<ImageName> parse_image_name(std::string_view text);

/// An image that Azure pulls by a name of the project's.
struct PulledImage {
  std::string name;  // as written, "nginx:1.27"
  ImageName parts;
  std::vector<std::string> services;  // that name it
  SourceSpan span;                    // where the first does
  /// How long the digest behind the tag may be known before it is looked up anew; nothing: for ever.
  std::optional<std::chrono::milliseconds> refresh_after;
};
/// Those that a tag names, each once.
std::vector<PulledImage> pulled_images(const compose::Project& project, const Stack& stack);

/// What the Dockerfile of a WebAssembly program says of its image.
struct ModuleImage {
  std::size_t stage = 0;  // that makes it
  std::vector<std::string> entrypoint, command;
  std::vector<std::string> settings;  // instructions that the stage, or one that it starts from, gives the image
  bool has_shell_form = false;        // of ENTRYPOINT or CMD
};

/// A container registry of the subscription, of the user's own making.
struct SharedRegistry {
  /// What is known of the stack's right to pull from it.
  enum class Pull {
    can_be_granted,  // who deploys may assign roles there
    granted,         // somebody else has given it
    refused,
  };
  std::string id;
  Pull pull = Pull::refused;
  /// Rights are given by repository (ACR-6): AcrPull says nothing there.
  bool by_repository = false;
};

/// By server: nothing where the subscription shows no such registry.
using SharedRegistries = std::map<std::string, std::optional<SharedRegistry>>;

/// What planning needs to know of Azure; read by the engine's survey, asked for by `facts_needed`. Absent when offline.
struct Facts {
  /// Roles can be assigned in the group. Contributors cannot: then vault access policies, registry and storage keys are
  /// used instead.
  bool can_assign_roles = true;
  /// The registry may run tasks (ACR-31). False: images are built here and pushed.
  bool can_run_tasks = true;
  std::string principal_id;    // object id of who deploys; empty: unknown
  std::string principal_type;  // "User" or "ServicePrincipal" (ARM-42); empty: unknown
  /// Container app name -> `customDomains` of the live app, sent back on every write (CA-130).
  std::map<std::string, graph::Value> live_custom_domains;
  /// Config names in the vault. Absent: not read.
  std::optional<std::set<std::string>> config_names;
  /// By server ("ghcr.io"): those that somebody signed in to with `defang registry login`.
  std::map<std::string, RegistryUser> registry_users;
  /// By the name as written: the digest that it is pinned to (see `pulled_images`). Not there, or empty: it is not.
  std::map<std::string, std::string> image_digests;
  /// Those of `own_servers` but the ones where everybody may pull.
  SharedRegistries registries;
  std::string pull_principal_id;  // object id of the identity that pulls, where it is known already
  /// Services that are built, but have no Dockerfile: buildpacks build them (see `services_without_dockerfile`).
  std::set<std::string> without_dockerfile;
  /// Services that are WebAssembly programs and are built (see `module_images`).
  std::map<std::string, ModuleImage> modules;
  /// Models that region and quota offer; read where the project uses any (see `uses_models`).
  std::optional<providers::ModelFacts> models;
  /// What the project mounts of this machine (see `local_paths`).
  std::map<std::string, LocalPath> local_paths;
};

/// A host name of the user's that is to lead to a service: its `domainname`, and aliases beside one.
struct CustomDomain {
  std::string host;  // lower case
  std::string service;
  SourceSpan span;
};
/// Those that can be had; what is wrong with the others is told by build_graph.
std::vector<CustomDomain> custom_domains(const compose::Project& project);

/// A place that wants config.
struct ConfigUse {
  std::string service;
  SourceSpan span;
};
/// Names of config that the project uses and cannot do without, each with all the places that want it.
std::map<std::string, std::vector<ConfigUse>> config_needed(const compose::Project& project);

/// The same project, stack and facts always give the same graph. Reports what Azure cannot do as errors, what was
/// adapted as notes.
graph::ResourceGraph build_graph(const compose::Project& project, const Stack& stack, const Facts& facts,
                                 Diagnostics& diagnostics);

/// What must exist before the first config is set: the group and the vault, as build_graph has them.
graph::ResourceGraph build_config_graph(const std::string& project_name, const Stack& stack, const Facts& facts);

/// "ghcr.io" of "ghcr.io/me/web:1"; "docker.io" where the image names none.
std::string registry_of(std::string_view image);
/// As images name it: "docker.io" of "https://index.docker.io/v1/".
std::string registry_server(std::string_view text);
/// The vault secret with its password.
std::string registry_secret_name(const std::string& server);

/// Whether the server's name ends in `suffix` ("azurecr.io"), as those of Azure's registries do.
bool is_azure_registry(std::string_view server, std::string_view suffix);
/// Servers that the project pulls from, whose names end in `suffix` ("azurecr.io"), and where nobody has signed in:
/// they may be registries of the user's own.
std::set<std::string> own_servers(const compose::Project& project, const Facts& facts, std::string_view suffix);
/// The role that lets pull from it, its assignment to the stack's identity, and that identity.
azure::Role pull_role(const SharedRegistry& registry);
azure::ResourceId pull_grant_id(const std::string& project, const Stack& stack, const SharedRegistry& registry);
azure::ResourceId pull_identity_id(const std::string& project, const Stack& stack);

/// How a managed store is reached by the client that belongs to it.
struct StoreClient {
  enum class Kind { postgres, mysql, redis, mongodb };
  Kind kind = Kind::postgres;
  std::string node;             // of the store in the graph
  graph::Value::Text host;      // of references to the graph
  int port = 5432;              // 0: found by the host's SRV records
  std::string user, database;   // empty: none
  graph::Value::Text password;  // of literals, values of config and of the vault's, or a key
};
/// The managed services that have such a client, by name. Mistakes in them are told by build_graph.
std::map<std::string, StoreClient> store_clients(const compose::Project& project, const Stack& stack);

/// Whether some service talks to models that the stack provides.
bool uses_models(const compose::Project& project);
/// The account that provides them.
std::string model_account_name(const std::string& project, const Stack& stack);

/// The services whose build names no Dockerfile and whose folder has none, but holds a program in a language that
/// buildpacks know.
std::set<std::string> services_without_dockerfile(const compose::Project& project, const Disk& disk);

/// Of the services that are WebAssembly programs and whose Dockerfiles can be read.
std::map<std::string, ModuleImage> module_images(const compose::Project& project, const Disk& disk);

/// Looks at everything of the project's folder that it mounts, or makes a secret or config of. What lies outside is
/// never looked into.
std::map<std::string, LocalPath> local_paths(const compose::Project& project, const Disk& disk);

/// All of the above.
void look_at_disk(const compose::Project& project, const Disk& disk, Facts& facts);

/// The vault secret that holds config `name`, for `config set` as well as for the plan.
std::string config_secret_name(std::string_view name);

/// "defang-{project}-{stack}-{location}" (design.md section 2), shortened with a hash over 90 characters.
std::string resource_group_name(const std::string& project, const Stack& stack);
/// The stack's vault, which exists before the first plan where config was set first. Global, so it ends in a hash of
/// subscription and group.
std::string vault_name(const std::string& project, const Stack& stack);
/// The stack's own storage account (uploads, state, events).
std::string storage_name(const std::string& project, const Stack& stack);

}  // namespace defang::plan
