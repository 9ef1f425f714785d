#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/project.h"
#include "providers/container_apps_ingress.h"
#include "providers/container_apps_size.h"
#include "providers/stack_scope.h"
#include "providers/storage.h"

namespace defang::providers {

/// What the services ask of the environment beside running in it.
struct EnvironmentNeeds {
  bool mounts_shares = false;  // over SMB: their key is in the vault
  std::map<std::string_view, std::pair<const WorkloadProfile*, int>>
      profiles;  // machines of one's own, replicas on them
};
/// The stack's Container Apps environment, in its network, writing its logs to the workspace.
graph::Resource environment(const StackScope& scope, const EnvironmentNeeds& needs = {});

enum class ShareAccess { read_write, read_only };
/// What the environment calls a file share: app volumes name it (CA-111).
graph::Resource environment_storage(const StackScope& scope, std::string_view node, std::string_view share_node,
                                    const std::string& share, ShareProtocol protocol, ShareAccess access);
/// Name of the above for a share of that name.
std::string environment_storage_name(const std::string& share, ShareAccess access);

/// Volumes of an app's template, and where a container sees them.
graph::Value scratch_volume(const std::string& name);
graph::Value share_volume(const std::string& name, const std::string& storage, ShareProtocol protocol);
graph::Value secret_volume(const std::string& name, graph::Value::List files);  // [{secretRef, path}]
graph::Value volume_mount(const std::string& volume, const std::string& path, const std::string& sub_path = "");

/// What a service becomes, as far as the plan has decided it: an app, or a job when it ends by itself.
struct Workload {
  const compose::Service* service = nullptr;
  std::string name;    // of the app or job
  std::string node;    // "app/web", "job/migrate"
  graph::Value image;  // a name, or a reference to what is built
  bool is_built = false;
  Ingress ingress;
  ContainerSize size;
  graph::Value::List probes;
  graph::Value::List environment;    // [{name, value} or {name, secretRef}]
  graph::Value::List secrets;        // [{name, keyVaultUrl, identity}]
  graph::Value::List registries;     // beside the stack's own: [{server, username, passwordSecretRef or identity}]
  std::set<std::string> pull_roles;  // nodes: what it needs to pull from those as its identity
  graph::Value::List volumes, mounts;
  std::vector<Workload> sidecars;         // further containers of each replica
  std::vector<Workload> init_containers;  // run to their ends before all others, with volumes of the workload
  graph::Value::List arguments;           // of `command`, with siblings' addresses rewritten
  graph::Value::List entrypoint;
  std::optional<graph::Value> custom_domains;
  bool signs_in = false;  // its containers act with the data identity
  std::string schedule;   // of a job that runs by the clock: "0 3 * * *", UTC
};

graph::Resource container_app(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics);
graph::Resource job(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics);

/// `restart: on-failure:3` -> 3.
int retries_of(const compose::Service& service);

}  // namespace defang::providers
