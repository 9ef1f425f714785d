#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/project.h"
#include "providers/container_apps_ingress.h"
#include "providers/container_apps_size.h"
#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's Container Apps environment, in its network, writing its logs to the workspace.
graph::Resource environment(const StackScope& scope);

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
  graph::Value::List environment;      // [{name, value} or {name, secretRef}]
  graph::Value::List secrets;          // [{name, keyVaultUrl, identity}]
  graph::Value::List secret_files;     // [{secretRef, path}], mounted at /run/secrets
  std::vector<std::string> arguments;  // of `command`, with siblings' addresses rewritten
  std::vector<std::string> entrypoint;
  std::vector<std::string> scratch_folders;  // anonymous volumes
  std::optional<graph::Value> custom_domains;
};

graph::Resource container_app(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics);
graph::Resource job(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics);

/// `restart: on-failure:3` -> 3.
int retries_of(const compose::Service& service);

}  // namespace defang::providers
