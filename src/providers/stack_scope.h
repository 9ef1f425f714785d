#pragma once

#include <string>
#include <string_view>

#include "azure/resource_id.h"
#include "graph/graph.h"

namespace defang::providers {

/// Nodes that every stack has, or that serve several services.
inline constexpr std::string_view kGroup = "group";
inline constexpr std::string_view kNetwork = "network";
inline constexpr std::string_view kAppsSubnet = "network/apps";
inline constexpr std::string_view kPostgresSubnet = "network/postgres";
inline constexpr std::string_view kMysqlSubnet = "network/mysql";
inline constexpr std::string_view kEndpointsSubnet = "network/endpoints";
inline constexpr std::string_view kWorkspace = "workspace";
inline constexpr std::string_view kEnvironment = "environment";
inline constexpr std::string_view kPullIdentity = "identity/pull";
inline constexpr std::string_view kSecretsIdentity = "identity/secrets";
inline constexpr std::string_view kDataIdentity = "identity/data";
inline constexpr std::string_view kPullRole = "role/pull";
inline constexpr std::string_view kSecretsRole = "role/secrets";
inline constexpr std::string_view kDeployerRole = "role/deployer";
inline constexpr std::string_view kRegistry = "registry";
inline constexpr std::string_view kRegistryPassword = "secret/registry";
inline constexpr std::string_view kVault = "vault";
inline constexpr std::string_view kStorage = "storage";
inline constexpr std::string_view kStateContainer = "storage/state";
inline constexpr std::string_view kUploadsContainer = "storage/uploads";
inline constexpr std::string_view kFiles = "files";
inline constexpr std::string_view kFilesKey = "secret/files";
inline constexpr std::string_view kNfsFiles = "files/nfs";

/// How much the stack may cost, and what it must withstand: `DEFANG_MODE` of its file.
enum class Mode { affordable, balanced, high_availability };

/// Where a stack lives and what may be done there: what every resource of it is made from.
struct StackScope {
  std::string project;
  std::string stack;
  std::string subscription_id;
  std::string tenant_id;
  std::string location;
  std::string group;
  std::string vnet_range;
  bool can_assign_roles = true;
  Mode mode = Mode::affordable;

  /// A legal name of `type` for something that the stack has once: "myapp-test", or "myapp-test-pull" with a purpose.
  std::string name_for(std::string_view type, std::string_view purpose = "") const;
  /// The same for a type whose names are unique in all of Azure.
  std::string global_name_for(std::string_view type, std::string_view purpose = "") const;
  /// The group that Container Apps makes for its own load balancer and addresses (CA-7).
  std::string infrastructure_group() const;
  azure::ResourceId id_of(std::string_view type, std::string_view name) const;
  /// design.md section 5; `service` empty for what serves the whole stack.
  graph::Value tags(std::string_view service = "") const;
};

/// A resource in the stack's group with what the table of types says: API version, location, tags. `body` is the rest.
graph::Resource make_resource(const StackScope& scope, std::string_view node, std::string_view type, std::string name,
                              graph::Value body, std::string_view service = "");

/// Shorthands for references.
graph::Reference id_of(std::string_view node);
graph::Reference property_of(std::string_view node, std::string_view path);
graph::Reference list_of(std::string_view node, std::string_view function, std::string_view path);
graph::Reference output_of(std::string_view node, std::string_view output);

}  // namespace defang::providers
