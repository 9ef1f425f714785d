#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/node.h"
#include "support/source_span.h"

/// What a Compose project means after loading: typed, long forms only, every value with the place it came from.
/// compose-spec, "Services top-level elements". Attributes that no field here stands for are in Service::attributes and
/// in Project::canonical, so that the plan can honour, adapt or refuse each of them by name and place.
namespace defang::compose {

/// `KEY: value`. Without a value the variable is taken from config when deploying (compose-semantics.md, DM-4).
/// In `value` an unresolved `${X}` stands for the config X (DM-2); `$$` has already become `$`: `pieces` keeps them
/// apart.
struct TextPiece {
  bool is_config = false;
  std::string text;  // literal text, or the name of the config
  friend bool operator==(const TextPiece&, const TextPiece&) = default;
};

struct EnvironmentVariable {
  std::string name;
  std::optional<std::vector<TextPiece>> value;  // nothing: null, taken from config under its own name
  SourceSpan span;
};

struct Port {
  enum class Mode { ingress, host };
  int target = 0;         // 0..65535 as Compose allows; the plan refuses 0
  std::string published;  // "8080", "9000-9002", or empty
  std::string protocol = "tcp";
  std::string host_ip;
  std::string name;
  std::string app_protocol;
  Mode mode = Mode::ingress;
  SourceSpan span;
};

struct FileReference {  // a use of a secret or config
  std::string source;
  std::string target;
  SourceSpan span;
};

struct Build {
  std::filesystem::path context;  // absolute, or a URL as written (see is_remote)
  bool is_remote = false;
  std::string dockerfile = "Dockerfile";  // relative to the context, or absolute
  std::optional<std::string> dockerfile_inline;
  std::string target;
  std::vector<EnvironmentVariable> args;
  std::vector<Spanned<std::string>> platforms;
  std::map<std::string, std::string> additional_contexts;
  std::vector<FileReference> secrets;  // `target` is the id that the Dockerfile names it by; empty: `source`
  SourceSpan span;                     // of `build`
  SourceSpan context_span;             // of the context's text
  SourceSpan dockerfile_span;          // of the `dockerfile` value, or of `build` where it is the default
  SourceSpan target_span;
};

struct Healthcheck {
  bool disabled = false;          // `disable: true` or `test: NONE`
  std::vector<std::string> test;  // ["CMD", ...] or ["CMD-SHELL", text]; empty: the image's own
  std::optional<std::chrono::nanoseconds> interval, timeout, start_period, start_interval;
  std::optional<std::uint64_t> retries;
  SourceSpan span;
  SourceSpan test_span;
};

struct Dependency {
  enum class Condition { service_started, service_healthy, service_completed_successfully };
  std::string service;
  Condition condition = Condition::service_started;
  bool required = true;
  SourceSpan span;
};

struct Mount {
  std::string type;  // volume, bind, tmpfs, image, npipe, cluster
  std::string source;
  std::string target;
  bool read_only = false;
  std::string sub_path;  // of the volume
  SourceSpan span;
};

struct ServiceNetwork {
  std::string name;  // key of Project::networks
  std::vector<Spanned<std::string>> aliases;
  SourceSpan span;
};

struct Amounts {  // deploy.resources.limits or .reservations, and the older cpus / mem_limit / mem_reservation
  std::optional<Spanned<double>> cpus;
  std::optional<Spanned<std::int64_t>> memory_bytes;
  bool has_devices = false;  // GPUs and the like
  SourceSpan devices_span;
};

/// One attribute that the user wrote on a service, whatever we do with it: "build.target", "x-defang-redis", "cap_add".
struct Attribute {
  std::string path;
  SourceSpan span;
};

struct Service {
  std::string name;
  SourceSpan span;  // of the name
  std::optional<Spanned<std::string>> image;
  std::optional<Build> build;
  std::optional<Spanned<std::vector<std::string>>> command;     // set but empty clears the image's
  std::optional<Spanned<std::vector<std::string>>> entrypoint;  // set but empty clears the image's
  std::vector<EnvironmentVariable> environment;  // env_file folded in, each name once, in order of first mention
  std::vector<Port> ports;
  std::vector<Spanned<std::string>> expose;
  std::optional<Healthcheck> healthcheck;
  std::vector<Dependency> depends_on;
  std::vector<Mount> volumes;
  std::vector<Spanned<std::string>> volumes_from;  // "db", "db:ro", "container:name"
  std::vector<Spanned<std::string>> tmpfs;         // "/run", "/run:size=64m"
  std::vector<FileReference> secrets;
  std::vector<FileReference> configs;
  std::vector<ServiceNetwork> networks;
  std::optional<Spanned<std::string>> network_mode;
  std::optional<Spanned<std::string>> restart;   // "no", "always", "on-failure", "on-failure:3", "unless-stopped"
  std::optional<Spanned<std::string>> platform;  // "linux/amd64"
  std::optional<Spanned<std::string>> domainname;
  std::optional<Spanned<std::string>> working_dir;
  std::optional<Spanned<std::string>> user;
  std::optional<Spanned<std::chrono::nanoseconds>> stop_grace_period;
  std::optional<Spanned<std::int64_t>> replicas;  // deploy.replicas or scale
  Amounts reservations, limits;
  std::map<std::string, Spanned<std::string>> labels;
  /// x-* of the service, canonical. `x-defang-postgres` and its kin are looked up here; true, null and a mapping mean
  /// "on".
  std::map<std::string, Node> extensions;
  std::optional<Spanned<std::string>> provider_type;  // `provider: {type: model}`
  std::map<std::string, std::vector<std::string>> provider_options;
  std::vector<Spanned<std::string>> models;  // names of top-level models that the service uses
  std::vector<Attribute> attributes;         // everything the user wrote, sorted by path
};

struct Network {
  std::string name;
  bool internal = false;
  bool external = false;
  SourceSpan span;
};

struct Volume {
  std::string name;
  bool external = false;
  std::string driver;
  bool has_driver_options = false;
  SourceSpan span;
};

struct Model {
  std::string name;
  std::string model;
  SourceSpan span;
};

struct FileSource {  // a top-level secret or config
  std::string name;
  std::string file;         // absolute path, or empty
  std::string environment;  // variable, or empty
  std::optional<std::vector<TextPiece>> content;
  bool external = false;
  SourceSpan span;
};

struct Project {
  std::string name;
  std::filesystem::path folder;                     // absolute project directory
  std::vector<std::filesystem::path> config_files;  // in the order they were merged
  std::map<std::string, Service> services;          // active ones
  std::vector<std::string> disabled_services;
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, FileSource> secrets;
  std::map<std::string, FileSource> configs;
  std::map<std::string, Model> models;
  Node canonical;  // what `compose config` prints (vectors/README.md)
};

}  // namespace defang::compose
