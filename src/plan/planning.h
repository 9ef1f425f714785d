#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compose/project.h"
#include "graph/graph.h"
#include "plan/connection_strings.h"
#include "plan/plan.h"
#include "plan/siblings.h"
#include "plan/split_settings.h"
#include "providers/container_apps.h"
#include "providers/stack_scope.h"
#include "providers/storage.h"

namespace defang::plan {

/// A file that goes from this machine into a container, by way of the vault.
struct CarriedFile {
  std::string local;  // absolute path here
  std::string name;   // in the volume: "nginx.conf", or "conf.d/web.conf" of a folder
};

/// What one mount of a service becomes.
struct PlannedMount {
  enum class Kind { scratch, share, files };
  Kind kind = Kind::scratch;
  std::string path;      // in the container
  std::string share;     // key of Planning::shares
  std::string sub_path;  // of the share
  bool read_only = false;
  std::vector<CarriedFile> files;
  bool is_file = false;  // `path` is the one file itself, not a folder with files
  SourceSpan span;
};

/// A file share: a named volume, or a folder of this machine that containers keep data in.
struct PlannedShare {
  std::string name;  // of the share, and of the environment's storage
  providers::ShareProtocol protocol = providers::ShareProtocol::smb;
  bool is_written = false, is_read_only_somewhere = false;
  std::string because;
  SourceSpan origin;
};

/// A service that Azure runs by itself: a database, a cache, a model.
struct ManagedStore {
  enum class Kind { postgres, mysql, redis, mongodb, model, objects };
  Kind kind = Kind::postgres;
  const compose::Service* service = nullptr;
  std::vector<std::string> buckets;  // of a store of objects
  std::string deployment;            // of a model: what clients call it
  std::vector<std::string> ready;    // nodes that must stand before clients start
};

/// A service on its way to becoming an app or a job.
struct PlannedService {
  const compose::Service* service = nullptr;
  bool is_job = false;
  bool is_sidecar = false;
  std::set<int> implied_ports;  // siblings use them, the service does not name them
  std::vector<PlannedMount> mounts;
  providers::Workload workload;
  std::optional<SplitAddress> split;     // of the stores that its variables name
  std::vector<PlannedService> sidecars;  // `network_mode: service:<this one>`: containers of the same replicas
};

/// What the steps of build_graph work on, each leaving more of it decided.
struct Planning {
  const compose::Project& project;
  const Facts& facts;
  Diagnostics& diagnostics;
  providers::StackScope scope;
  Hosts hosts;
  Hosts all_hosts;  // with those of stores, which find_stores takes out of `hosts`
  std::map<std::string, PlannedService> services;
  std::map<std::string, PlannedShare> shares;            // "volume db_data", "folder /project/data"
  std::map<std::string, ManagedStore> stores;            // by service; these are not among `services`
  std::map<std::string, std::string> sidecars;           // service -> the one whose replicas it is part of
  ManagedEndpoints endpoints;                            // theirs, by host name
  std::map<std::string, std::set<int>> redis_databases;  // that services use of each store
  bool has_cycle = false;
  graph::ResourceGraph graph;
};

/// With nothing decided yet.
Planning begin_planning(const compose::Project& project, const Stack& stack, const Facts& facts,
                        Diagnostics& diagnostics);

/// "app/web"
inline std::string node(std::string_view kind, std::string_view name) {
  return std::string(kind) + "/" + std::string(name);
}

/// `working_dir` and `user` as instructions of a Dockerfile, which is where Container Apps takes both from.
std::string image_instructions(const compose::Service& service);

/// By a build of its own, or because an image of its own says where it starts and as whom.
inline bool is_built(const compose::Service& service) {
  return service.build.has_value() || (service.image && !image_instructions(service).empty());
}

}  // namespace defang::plan
