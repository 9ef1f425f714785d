#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/value.h"
#include "support/source_span.h"

/// The plan as a value: what must exist, in which order, and why. Printed by `plan`, written out by arm/, executed by
/// deploy/.
namespace defang::graph {

/// What becomes of a resource when the project no longer asks for it, or on `down`.
enum class Retention {
  stateless,  // deleted
  data,       // holds the user's data: kept unless the user names it
  shared,     // serves the whole stack: deleted last
};

struct Edge {
  std::string node;    // must be done before
  std::string reason;  // "image must be built first"; empty where a reference in the body says it
  friend bool operator==(const Edge&, const Edge&) = default;
};

struct Resource {
  std::string id;           // of the node: "app/web", "registry"; stable between plans
  std::string type;         // "Microsoft.App/containerApps"
  std::string api_version;  // "2026-01-01"
  std::string name;         // "web"; "parent/child" for a child resource
  /// Extension resources (role assignments) only: the node that they are about, or the id of a resource that others
  /// made (`is_outside`).
  std::string scope;
  /// Everything of the PUT but name and type: location, tags, identity, sku, properties.
  Value body;
  SourceSpan origin;    // the Compose line that asked; empty for what every stack has
  std::string because;  // "service `web` mounts volume `data`"
  std::string service;  // Compose service, empty for shared ones
  Retention retention = Retention::stateless;
  std::vector<Edge> after;  // explicit edges; those of references are added by ResourceGraph

  /// About something that is not of the graph, and not of the stack's group either.
  bool is_outside() const { return scope.starts_with('/'); }
};

/// A secret's recipe. Values exist in deploy/ only.
struct ConfigRecipe {
  std::string name;  // set by `defang config set`
};
/// The password of a registry that somebody signed in to with `defang registry login`.
struct LoginRecipe {
  std::string server, user;
};
/// A file of the machine that deploys.
struct FileRecipe {
  std::string path;  // absolute
};
struct GeneratedRecipe {
  std::size_t bytes = 32;
};
/// Literal text and references, some of them secret, joined at deploy time.
struct ComposedRecipe {
  Value::Text pieces;  // config X is a reference to the Action "config/X", output "value"
};

/// What a build may see, and neither its log nor its image may show.
struct BuildSecret {
  std::string id;   // as in `RUN --mount=type=secret,id=...`
  Reference value;  // an output of kind secret
};
/// Whom a registry knows the stack as. Its password is an output of kind secret.
struct RegistryLogin {
  std::string server, user;
  Reference password;
};

/// Something ARM has no resource for. Outputs in brackets are what a Reference of kind output can name.
struct BuildImage {  // [image: "registry.azurecr.io/web@sha256:..." or with its digest tag]
  std::string service;
  std::string registry;           // node of the registry
  std::string storage;            // node of the stack's storage account, which takes the context
  std::string context;            // absolute folder; empty: the Dockerfile needs none
  std::string dockerfile;         // relative to the context, or absolute
  std::string inline_dockerfile;  // instead of a file; empty: none
  std::string appended;           // instructions after its last: "WORKDIR /srv\nUSER app\n"
  bool buildpacks = false;        // no Dockerfile: Cloud Native Buildpacks find out what it is
  std::string target;
  std::string platform = "linux/amd64";
  std::vector<std::pair<std::string, std::string>> args;
  std::vector<BuildSecret> secrets;
  std::vector<RegistryLogin> logins;  // for what its Dockerfile starts from
};
struct WriteSecret {  // [secretUri: pinned URI, version: 32 hex digits, value: in deploy/ only]
  std::string vault;  // node
  std::string name;   // of the vault secret
  std::variant<ConfigRecipe, GeneratedRecipe, ComposedRecipe, FileRecipe, LoginRecipe> recipe;
};
struct AwaitRevision {  // [fqdn]
  std::string app;      // node of the container app
};
/// Starts a job once for each change of it and waits for the end; an exit code other than 0 is a failure.
struct RunJob {     // [exitCode]
  std::string job;  // node of the Microsoft.App/jobs resource
};

struct Action {
  std::string id;  // "build/web", "config/API_KEY", "healthy/web", "run/migrate"
  std::variant<BuildImage, WriteSecret, AwaitRevision, RunJob> what;
  SourceSpan origin;
  std::string because;
  std::string service;
  std::vector<Edge> after;
};

using Node = std::variant<Resource, Action>;
const std::string& id_of(const Node& node);
const SourceSpan& origin_of(const Node& node);
const std::string& service_of(const Node& node);

class ResourceGraph {
 public:
  void add(Resource resource);
  void add(Action action);

  const std::map<std::string, Node>& nodes() const { return nodes_; }
  const Node* find(std::string_view id) const;
  const Resource* resource(std::string_view id) const;
  const Action* action(std::string_view id) const;
  Resource* resource(std::string_view id);
  Action* action(std::string_view id);

  /// All edges of a node, explicit and from references, sorted by node id, each once.
  std::vector<Edge> edges_of(std::string_view id) const;
  /// Nodes whose output of this name goes into a resource or a composed secret.
  std::set<std::string> nodes_with_wanted(std::string_view output) const;
  /// Ids such that each stands after all it needs; ties by id. Empty when there is a cycle or an edge leads nowhere:
  /// see `fault`.
  std::vector<std::string> order() const;
  /// A cycle ("a -> b -> a") or an edge to a node that does not exist; empty when the graph is sound. Ours to fix,
  /// never the user's.
  std::string fault() const;

 private:
  std::map<std::string, Node> nodes_;
};

/// Indented lines, node by node, below each what it needs; stable and sorted (style.md, "The plan is text first").
std::string to_text(const ResourceGraph& graph);

}  // namespace defang::graph
