#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.h"
#include "support/secret.h"

namespace defang::emulator {

class PrivateServers;
class PseudoTerminal;

/// How an image is pulled (or pushed): basic credentials at the server, which the data plane of the registry exchanges
/// for a token itself.
struct RegistryLogin {
  std::string server;  // `localhost:5001`, as in the image's name
  std::string user;
  Secret password;
};

/// A folder or files that a container sees at `path`.
struct Mount {
  enum class Kind {
    empty,  // EmptyDir: one folder per replica and `name`, shared by its containers, gone with the replica
    share,  // Azure Files: folder `source` of the runtime's shares, which outlives every replica
    files,  // Secret volume: `files`, readable by the container only
  };
  Kind kind = Kind::empty;
  std::string name;
  std::string path;
  std::string source;
  std::string sub_path;  // of the volume: only that is mounted
  std::map<std::string, Secret> files;
  bool read_only = false;
};

struct ContainerSpec {
  std::string name;
  std::string image;
  std::optional<RegistryLogin> login;
  std::vector<std::string> command;  // replaces the image's ENTRYPOINT, and then its CMD too
  std::vector<std::string> args;     // replaces the image's CMD
  std::map<std::string, Secret> environment;
  double cpu = 0;                  // cores; 0: no limit
  std::uint64_t memory_bytes = 0;  // 0: no limit
  std::vector<Mount> mounts;
};

/// One replica: containers that share a network (localhost between them), as in Container Apps.
struct ReplicaSpec {
  std::string id;                              // unique while the emulator lives, also after the replica is gone
  std::string environment;                     // an id given to start_environment
  std::vector<ContainerSpec> init_containers;  // one after another, each to exit code 0, before all others (CA-35)
  std::vector<ContainerSpec> containers;
  std::vector<std::uint16_t> ports;  // what the app's ingress leads to: open from the start where no containers run
};

struct ContainerState {
  enum class Phase {
    pulling,  // the image is being fetched, or the container made
    waiting,  // could not be started: `reason` and `message` say why; restart_container tries again
    running,
    exited,  // with `exit_code`; nobody restarts it but restart_container
  };
  std::string name;
  Phase phase = Phase::pulling;
  std::string reason;   // ErrImagePull, CreateContainerError, OOMKilled, Error, Completed; empty while it runs
  std::string message;  // the engine's own words
  int exit_code = 0;
  int restarts = 0;
  std::optional<std::chrono::system_clock::time_point> started;
  std::optional<std::chrono::system_clock::time_point> finished;
};

struct ReplicaState {
  std::vector<ContainerState> init_containers;
  std::vector<ContainerState> containers;
  std::vector<std::uint16_t> listening;  // TCP ports open in the replica on other than loopback addresses, sorted
};

/// A probe of Container Apps (CA-100): there is no exec and no gRPC.
struct Probe {
  enum class Kind { tcp, http, https };
  Kind kind = Kind::tcp;
  std::uint16_t port = 0;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds limit{1000};
};
struct ProbeResult {
  bool success = false;
  std::string detail;  // `connection refused`, `HTTP 503`, `no answer within 1000 ms`
};

struct LogLine {
  std::chrono::system_clock::time_point time;
  bool error_stream = false;
  std::string text;  // without the line end
};
struct LogPiece {
  std::vector<LogLine> lines;
  std::uint64_t next = 0;  // where the next read goes on
};

/// PEM texts of a key and the certificate chain for a host name.
struct HostCertificate {
  std::string key;
  std::string chain;
  friend bool operator==(const HostCertificate&, const HostCertificate&) = default;
};

/// A host name of the user's that leads to an app. Without a certificate no TLS connection for it comes about.
struct CustomDomain {
  std::string host;
  std::optional<HostCertificate> certificate;
};

/// What an app's name leads to: exactly the declared ports answer, everything else is refused (CA-61, CA-81).
struct AppAddress {
  struct TcpPort {
    std::uint16_t exposed = 0;
    std::uint16_t target = 0;
    bool external = false;
  };
  std::string id;  // the app's resource id
  std::string environment;
  std::string name;
  std::optional<std::uint16_t> http_target;  // HTTP ingress: 80 and 443 lead to this port of a replica
  bool external = false;
  bool allow_insecure = false;
  std::vector<TcpPort> tcp;
  std::vector<CustomDomain> custom_domains;
};

/// A replica that may get traffic of an app, and its share.
struct Backend {
  std::string replica;
  unsigned weight = 100;
};

/// What a request meets while no replica is ready: a refusal, or, where the app comes back from zero replicas, a wait.
enum class Meanwhile { refuse, wait };

/// What came through an app's ingress.
struct IngressLoad {
  std::uint64_t arrived = 0;  // requests and connections, ever
  std::uint64_t open = 0;     // under way now, or waiting for a replica
};

/// What the containers of a replica use together.
struct ReplicaUsage {
  double cpu_seconds = 0;  // ever
  std::uint64_t memory_bytes = 0;
};

/// Where a public app is reached from this machine.
struct IngressEntry {
  std::string app;   // resource id
  std::string url;   // http://127.0.0.1:N, kept across restarts
  std::string fqdn;  // answers at the ingress' TLS port
};

struct BuildRequest {
  std::filesystem::path context;          // a folder, or a tar archive with or without gzip
  std::string dockerfile = "Dockerfile";  // relative to the context
  std::string target;
  std::vector<std::pair<std::string, Secret>> arguments;
  /// By BuildKit, as a task may ask for. What plain requests get is the older builder (recorded runs: "Step 1/6 :
  /// FROM").
  bool buildkit = false;
  std::vector<std::pair<std::string, Secret>> secrets;  // by the id that the Dockerfile mounts them by
  std::string platform;                                 // linux/amd64; empty: this machine's
  std::vector<std::string> image_names;                 // full: `localhost:5001/web:tag`
  std::vector<RegistryLogin> logins;                    // to push, and to pull what FROM names
  bool push = true;
  bool no_cache = false;
  std::function<void(std::string_view)> log;  // pieces of text as they come, not whole lines
  std::optional<std::chrono::milliseconds> limit;
};
struct BuiltImage {
  std::string server;      // localhost:5001
  std::string repository;  // web
  std::string tag;
  std::string digest;  // sha256:...
};

/// Everything that runs: containers, their networks and names, image builds. Providers ask for it here; which engine
/// does it is not theirs to know. All calls may come from any thread; those that take a stop_token block.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual std::string engine() const = 0;                         // podman, bundle, none
  virtual std::vector<std::string> engines_left_out() const = 0;  // why each better one was not taken

  /// A network of its own with name resolution. Asking again for a known id changes nothing.
  virtual Result<void> start_environment(const std::string& environment, const std::string& default_domain) = 0;
  /// With all its apps and replicas.
  virtual void stop_environment(const std::string& environment) = 0;

  /// Makes the name and its ports answer, or replaces them. An app without ingress has no name: do not declare it
  /// (CA-83).
  virtual Result<void> declare_app(const AppAddress& address) = 0;
  virtual void remove_app(const std::string& app) = 0;
  /// The ready replicas behind an app, replacing those before. With none, HTTP answers 503 and TCP connections are
  /// closed, or both wait until there is one.
  virtual void route(const std::string& app, const std::vector<Backend>& backends, Meanwhile meanwhile) = 0;
  virtual IngressLoad load(const std::string& app) const = 0;
  virtual std::vector<IngressEntry> ingress() const = 0;
  /// The loopback port where all public apps answer by host name, with TLS and without: the environments' address.
  virtual Result<std::uint16_t> front() = 0;

  /// Returns at once; how it goes shows in replica_state. An error: the environment is not known.
  virtual Result<void> start_replica(const ReplicaSpec& spec) = 0;
  virtual std::optional<ReplicaState> replica_state(const std::string& replica) const = 0;
  /// Starts a container again; counts in `restarts`. One that runs is ended first, by SIGTERM and by SIGKILL after the
  /// grace. Returns at once.
  virtual void restart_container(const std::string& replica, const std::string& container,
                                 std::chrono::milliseconds grace) = 0;
  /// Nothing where no containers run.
  virtual std::optional<ReplicaUsage> usage(const std::string& replica) const = 0;
  /// SIGTERM, and SIGKILL after the grace. Returns at once; its console stays readable.
  virtual void stop_replica(const std::string& replica, std::chrono::milliseconds grace) = 0;
  virtual ProbeResult probe(const std::string& replica, const Probe& probe, std::stop_token stop) = 0;
  /// Lines from position `from` (0: the beginning) on; at most `limit` of them. Works for replicas that are gone too.
  virtual LogPiece console(const std::string& replica, const std::string& container, std::uint64_t from,
                           std::size_t limit) const = 0;

  /// Starts a further program in a container that runs.
  virtual Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& replica, const std::string& container,
                                                       const std::vector<std::string>& words) = 0;

  /// The digest behind the name of a public image, "docker.io/library/nginx:1.27"; nothing: there is no such image. An
  /// error: nobody can say.
  virtual Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token stop) = 0;

  /// An error is refused/build-failed; its reason stands in the log as well.
  virtual Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token stop) = 0;

  /// nullptr: none run here.
  virtual PrivateServers* private_servers() { return nullptr; }

  /// Ends everything, keeping what a next start needs.
  virtual void stop() = 0;
};

}  // namespace defang::emulator
