#include "plan/mounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "azure/names.h"
#include "azure/resource_types.h"
#include "plan/diagnostics.h"
#include "plan/secrets.h"
#include "providers/container_apps_ingress.h"
#include "providers/key_vault.h"
#include "support/text.h"

namespace defang::plan {
namespace {

namespace fs = std::filesystem;
using compose::Mount;
using compose::Service;
using graph::Value;
using providers::ShareAccess;
using providers::ShareProtocol;
using Kind = PlannedMount::Kind;

constexpr std::string_view kSecretsFolder = "/run/secrets";
constexpr std::size_t kMostCarried = 40;  // files of one folder: each is a secret of its own

/// Images that change the owner of what they keep, or lock it, and fail where that cannot be (CA-114). A database is
/// also slow and in danger on any network share.
struct PickyImage {
  std::string_view repository;
  bool is_database;
  std::string_view instead;  // the managed service to use
};
constexpr auto kPickyImages = std::to_array<PickyImage>({
    {"cassandra", true, ""},
    {"clickhouse-server", true, ""},
    {"couchdb", true, ""},
    {"elasticsearch", true, ""},
    {"gitea", false, ""},
    {"influxdb", true, ""},
    {"keydb", true, "`x-defang-redis: true`"},
    {"mariadb", true, "Azure Database for MySQL"},
    {"mongo", true, "`x-defang-mongodb: true`"},
    {"mysql", true, "Azure Database for MySQL"},
    {"neo4j", true, ""},
    {"nextcloud", false, ""},
    {"opensearch", true, ""},
    {"percona", true, "Azure Database for MySQL"},
    {"pgvector", true, "`x-defang-postgres: true`"},
    {"postgis", true, "`x-defang-postgres: true`"},
    {"postgres", true, "`x-defang-postgres: true`"},
    {"postgresql", true, "`x-defang-postgres: true`"},
    {"rabbitmq", false, ""},
    {"redis", true, "`x-defang-redis: true`"},
    {"redis-stack", true, "`x-defang-redis: true`"},
    {"timescaledb", true, "`x-defang-postgres: true`"},
    {"valkey", true, "`x-defang-redis: true`"},
    {"wordpress", false, ""},
    {"zookeeper", true, ""},
});
static_assert(std::ranges::is_sorted(kPickyImages, {}, &PickyImage::repository));

const PickyImage* picky(const Service& service) {
  if (!service.image || service.build) return nullptr;
  const auto repository = providers::repository_of(service.image->value);
  const auto found = std::ranges::lower_bound(kPickyImages, repository, {}, &PickyImage::repository);
  return found != kPickyImages.end() && found->repository == repository ? &*found : nullptr;
}

/// Places of this machine that are nobody's data, and what mounting one means.
struct HostPlace {
  std::string_view path;  // with all below it
  Diagnostic::Severity severity;
  std::string_view reason;
};
using enum Diagnostic::Severity;
constexpr auto kHostPlaces = std::to_array<HostPlace>({
    {"/dev", error, "Container Apps has no devices"},
    {"/etc/localtime", note, "containers run in UTC; say `TZ` in `environment` for another zone"},
    {"/etc/timezone", note, "containers run in UTC; say `TZ` in `environment` for another zone"},
    {"/lib/modules", error, "Container Apps does not show its kernel"},
    {"/proc", error, "Container Apps does not show its machines"},
    {"/run/docker.sock", warning, "there is no container engine to talk to on Container Apps"},
    {"/sys", error, "Container Apps does not show its machines"},
    {"/var/lib/docker", error, "there is no container engine on Container Apps"},
    {"/var/run/docker.sock", warning, "there is no container engine to talk to on Container Apps"},
});

const HostPlace* host_place(const fs::path& source) {
  const auto found =
      std::ranges::find_if(kHostPlaces, [&](const HostPlace& place) { return is_inside(source, place.path); });
  return found == kHostPlaces.end() ? nullptr : &*found;
}

const LocalPath& look_up(const Planning& plan, const std::string& path) {
  static const LocalPath kMissing;
  const auto found = plan.facts.local_paths.find(path);
  return found == plan.facts.local_paths.end() ? kMissing : found->second;
}

/// Only files that keep a folder in version control.
bool is_empty(const LocalPath& folder) {
  return std::ranges::all_of(folder.files, [](const LocalPath::File& file) {
    return file.name == ".gitkeep" || file.name == ".gitignore" || file.name == ".keep";
  });
}

/// `target` ends in the path that `source` has below `context`, and not in the root: the image has a copy there.
bool mirrors_context(const fs::path& source, const fs::path& context, const fs::path& target) {
  const auto inner = source.lexically_normal().lexically_relative(context.lexically_normal());
  auto tail = target;
  for (auto part = inner.end(); part != inner.begin();) {
    --part;
    if (tail.filename() != *part) return false;
    tail = tail.parent_path();
  }
  return tail != tail.root_path();
}

/// The source of what is built, mounted over its copy in the image so that changes are seen at once.
bool is_for_development(const Planning& plan, const Service& service, const Mount& mount) {
  if (!service.build || service.build->is_remote) return false;
  const fs::path source = fs::path(mount.source) / "", context = service.build->context / "";
  if (is_inside(context, source)) return true;
  return is_inside(source, context) && look_up(plan, mount.source).kind == LocalPath::Kind::folder &&
         !is_empty(look_up(plan, mount.source)) && mirrors_context(mount.source, service.build->context, mount.target);
}

/// "./x.conf" as the user would know it.
std::string shown(const Planning& plan, const std::string& path) {
  if (!is_inside(path, plan.project.folder)) return path;
  return (fs::path(".") / fs::path(path).lexically_relative(plan.project.folder)).string();
}

// --- shares ---

std::string free_name(const Planning& plan, const std::string& wanted, const std::string& key) {
  const auto& type = *azure::find_resource_type("Microsoft.Storage/storageAccounts/fileServices/shares");
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::any_of(plan.shares, [&](const auto& share) { return share.second.name == name; });
  };
  const auto name = azure::legal_name(type, wanted, wanted);
  return is_taken(name) ? azure::legal_name(type, name + "-" + azure::short_hash(key, 6), key) : name;
}

void use_share(Planning& plan, PlannedService& planned, const Mount& mount, const std::string& key,
               const std::string& wanted, const std::string& what, const SourceSpan& origin) {
  auto found = plan.shares.find(key);
  if (found == plan.shares.end()) {
    PlannedShare share;
    share.name = free_name(plan, wanted, key);
    share.because = "service `" + planned.service->name + "` mounts " + what;
    share.origin = origin;
    found = plan.shares.emplace(key, std::move(share)).first;
  }
  auto& share = found->second;
  if (picky(*planned.service)) share.protocol = ShareProtocol::nfs;
  (mount.read_only ? share.is_read_only_somewhere : share.is_written) = true;
  planned.mounts.push_back({.kind = Kind::share,
                            .path = mount.target,
                            .share = key,
                            .sub_path = mount.sub_path,
                            .read_only = mount.read_only,
                            .files = {},
                            .span = mount.span});
}

void use_volume(Planning& plan, PlannedService& planned, const Mount& mount) {
  const auto key = "volume " + mount.source;
  const auto volume = plan.project.volumes.find(mount.source);
  const bool is_known = volume != plan.project.volumes.end();
  if (is_known && !plan.shares.contains(key)) {
    if (volume->second.external) plan.diagnostics.add(volume_is_external(volume->second, mount.source));
    if ((!volume->second.driver.empty() && volume->second.driver != "local") || volume->second.has_driver_options)
      plan.diagnostics.add(volume_driver_not_used(mount.source, volume->second.span));
  }
  use_share(plan, planned, mount, key, mount.source, "volume `" + mount.source + "`",
            is_known ? volume->second.span : mount.span);
}

/// A folder of this machine that containers write to. What lies in it here stays here.
void use_folder(Planning& plan, PlannedService& planned, const Mount& mount) {
  const bool is_ours = is_inside(mount.source, plan.project.folder);
  plan.diagnostics.add(folder_becomes_share(*planned.service, mount, shown(plan, mount.source), is_ours));
  auto path = fs::path(mount.source).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  use_share(plan, planned, mount, "folder " + path.string(), path.filename().string(),
            "folder `" + shown(plan, path.string()) + "`", mount.span);
}

// --- files of this machine ---

void carry(Planning& plan, PlannedService& planned, const Mount& mount, const LocalPath& local) {
  const auto& service = *planned.service;
  const auto where = shown(plan, mount.source);
  if (local.files.size() > kMostCarried)
    return plan.diagnostics.add(folder_too_large(service, mount, where, kMostCarried));
  PlannedMount carried{.kind = Kind::files, .path = mount.target, .files = {}, .span = mount.span};
  carried.is_file = local.kind == LocalPath::Kind::file;
  for (const auto& file : local.files) {
    if (!file.is_plain || !file.is_text || file.size_bytes > kLargestCarried)
      return plan.diagnostics.add(
          file_not_carried(service, mount.span, carried.is_file ? where : where + "/" + file.name));
    carried.files.push_back({carried.is_file ? mount.source : mount.source + "/" + file.name, file.name});
  }
  plan.diagnostics.add(files_carried(service, mount, where));
  planned.mounts.push_back(std::move(carried));
}

void use_bind(Planning& plan, PlannedService& planned, const Mount& mount) {
  const auto& service = *planned.service;
  const auto where = shown(plan, mount.source);
  if (mount.source == "/")
    return plan.diagnostics.add(host_place_mounted(service, mount, error, "it is the whole machine"));
  if (const auto* place = host_place(mount.source))
    return plan.diagnostics.add(host_place_mounted(service, mount, place->severity, place->reason));
  if (is_for_development(plan, service, mount)) return plan.diagnostics.add(development_mount(service, mount, where));
  const auto& local = look_up(plan, mount.source);
  const bool is_ours = is_inside(mount.source, plan.project.folder);
  if (local.kind == LocalPath::Kind::missing && fs::path(mount.source).has_extension())
    return plan.diagnostics.add(is_ours ? file_missing(service, mount.span, where) : file_elsewhere(service, mount));
  if (local.kind == LocalPath::Kind::missing || is_empty(local)) return use_folder(plan, planned, mount);
  carry(plan, planned, mount, local);
}

// --- the mounts of a service ---

void use_scratch(PlannedService& planned, const std::string& path, const SourceSpan& span) {
  planned.mounts.push_back({.kind = Kind::scratch, .path = path, .files = {}, .span = span});
}

/// `/app/node_modules` below a development mount of `/app` saves the image's own folder from it. Without that mount
/// there is nothing to save, and an empty folder would hide it.
bool saves_image_folder(const Planning& plan, const Service& service, const Mount& mount) {
  return std::ranges::any_of(service.volumes, [&](const Mount& other) {
    return other.type == "bind" && other.target != mount.target && is_inside(mount.target, other.target) &&
           is_for_development(plan, service, other);
  });
}

void decide_mount(Planning& plan, PlannedService& planned, const Mount& mount) {
  const auto& service = *planned.service;
  if (mount.target.find(':') != std::string::npos)  // CA-113
    return plan.diagnostics.add(mount_path_illegal(service, mount));
  if (mount.type == "bind") return use_bind(plan, planned, mount);
  if (mount.type == "tmpfs") return use_scratch(planned, mount.target, mount.span);
  if (mount.type != "volume") return plan.diagnostics.add(mount_type_unsupported(service, mount));
  if (!mount.source.empty()) return use_volume(plan, planned, mount);
  if (!saves_image_folder(plan, service, mount)) use_scratch(planned, mount.target, mount.span);
}

/// `volumes_from: db:ro`: the named volumes and folders of `db`, at the same places.
void take_volumes_from(Planning& plan, PlannedService& planned, const Spanned<std::string>& from) {
  auto name = *from;
  const bool read_only = name.ends_with(":ro");
  if (read_only || name.ends_with(":rw")) name.resize(name.size() - 3);
  const auto other = plan.project.services.find(name);
  if (other == plan.project.services.end())
    return plan.diagnostics.add(volumes_from_unknown(*planned.service, from, name));
  for (auto mount : other->second.volumes) {
    if (mount.type == "tmpfs" || mount.source.empty()) {
      plan.diagnostics.add(volumes_from_anonymous(*planned.service, from, name, mount.target));
      continue;
    }
    mount.read_only = mount.read_only || read_only;
    decide_mount(plan, planned, mount);
  }
}

/// "/run:size=64m" -> "/run"
std::string tmpfs_path(const std::string& text) { return text.substr(0, text.find(':')); }

void warn_of_databases(Planning& plan, const PlannedService& planned) {
  const auto* image = picky(*planned.service);
  if (!image || !image->is_database) return;
  const auto mount = std::ranges::find(planned.mounts, Kind::share, &PlannedMount::kind);
  if (mount != planned.mounts.end())
    plan.diagnostics.add(database_on_share(*planned.service, mount->span, std::string(image->instead)));
}

// --- files from the vault ---

/// A file in a container whose content a secret holds.
struct SecretFile {
  std::string path;
  Value::Text secret;  // its name in the app
};

void collect_files(Planning& plan, PlannedService& planned, const std::vector<compose::FileReference>& uses,
                   const std::map<std::string, compose::FileSource>& sources, std::string_view kind,
                   std::string_view folder, std::vector<SecretFile>& files) {
  for (const auto& use : uses) {
    const auto source = sources.find(use.source);
    if (source == sources.end()) {
      plan.diagnostics.add(file_source_unknown(*planned.service, use, kind));
      continue;
    }
    const auto target = fs::path(folder) / (use.target.empty() ? use.source : use.target);
    // A second file volume cannot stand inside of the first, which is read-only.
    if (is_inside(target, kSecretsFolder) && target.parent_path() != kSecretsFolder) {
      plan.diagnostics.add(secret_elsewhere(*planned.service, use));
      continue;
    }
    if (const auto secret = content_node(plan, *planned.service, source->second, use, kind))
      files.push_back({target.string(), use_secret(plan, planned.workload, *secret)});
  }
}

Value::Map secret_item(Value::Text secret, const std::string& path) {
  return {{"secretRef", std::move(secret)}, {"path", path}};
}

/// Those in /run/secrets are the folder's only content, as in Compose; others are laid over single files.
void add_secret_files(providers::Workload& workload, const std::string& prefix, std::vector<SecretFile> files) {
  Value::List secrets, others;
  for (auto& file : files) {
    const fs::path path = file.path;
    if (path.parent_path() == kSecretsFolder) {
      secrets.push_back(secret_item(std::move(file.secret), path.filename().string()));
      continue;
    }
    const auto name = fmt::format("file-{}", others.size() + 1);
    others.push_back(secret_item(std::move(file.secret), name));
    workload.mounts.push_back(providers::volume_mount(prefix + "files", file.path, name));
  }
  if (!others.empty()) workload.volumes.push_back(providers::secret_volume(prefix + "files", std::move(others)));
  if (secrets.empty()) return;
  workload.volumes.push_back(providers::secret_volume(prefix + "secrets", std::move(secrets)));
  workload.mounts.push_back(providers::volume_mount(prefix + "secrets", std::string(kSecretsFolder)));
}

/// A folder's files: one volume, which is all that the container sees there.
void add_folder(Planning& plan, PlannedService& planned, const PlannedMount& mount, const std::string& name) {
  Value::List items;
  for (const auto& file : mount.files)
    items.push_back(secret_item(
        use_secret(plan, planned.workload, file_node(plan, file.local, planned.service->name, mount.span)), file.name));
  planned.workload.volumes.push_back(providers::secret_volume(name, std::move(items)));
  planned.workload.mounts.push_back(providers::volume_mount(name, mount.path));
}

void add_share_mount(const Planning& plan, providers::Workload& workload, const PlannedMount& mount) {
  const auto& share = plan.shares.at(mount.share);
  const auto access = mount.read_only ? ShareAccess::read_only : ShareAccess::read_write;
  const auto storage = providers::environment_storage_name(share.name, access);
  const auto volume = providers::share_volume(storage, storage, share.protocol);
  if (std::ranges::find(workload.volumes, volume) == workload.volumes.end()) workload.volumes.push_back(volume);
  workload.mounts.push_back(providers::volume_mount(storage, mount.path, mount.sub_path));
}

std::string storage_node(const std::string& share, ShareAccess access) {
  return node("environment", providers::environment_storage_name(share, access));
}

}  // namespace

std::optional<std::string> content_node(Planning& plan, const compose::Service& service,
                                        const compose::FileSource& source, const compose::FileReference& use,
                                        std::string_view kind) {
  if (!source.file.empty()) {
    const auto& local = look_up(plan, source.file);
    const bool is_good = local.kind == LocalPath::Kind::file && local.files[0].is_plain && local.files[0].is_text &&
                         local.files[0].size_bytes <= kLargestCarried;
    if (local.kind == LocalPath::Kind::missing)
      plan.diagnostics.add(file_missing(service, use.span, shown(plan, source.file)));
    else if (!is_good)
      plan.diagnostics.add(file_not_carried(service, use.span, shown(plan, source.file)));
    if (!is_good) return std::nullopt;
    return file_node(plan, source.file, service.name, use.span);
  }
  if (source.content)
    return composed_node(
        plan,
        {.what = std::string(kind) + "/" + use.source,
         .where = std::string(kind) + " `" + use.source + "`",
         .because = "service `" + service.name + "` reads " + std::string(kind) + " `" + use.source + "`",
         .service = service.name,
         .span = source.span},
        *source.content);
  const auto config = source.environment.empty() ? use.source : source.environment;
  return config_node(plan, config, service.name, use.span);
}

namespace {
void decide_mounts_of(Planning& plan, PlannedService& planned) {
  for (const auto& mount : planned.service->volumes) decide_mount(plan, planned, mount);
  for (const auto& from : planned.service->volumes_from) take_volumes_from(plan, planned, from);
  for (const auto& tmpfs : planned.service->tmpfs) use_scratch(planned, tmpfs_path(*tmpfs), tmpfs.span);
  warn_of_databases(plan, planned);
}
}  // namespace

void decide_mounts(Planning& plan) {
  for (auto& [name, planned] : plan.services) {
    decide_mounts_of(plan, planned);
    for (auto& sidecar : planned.sidecars) decide_mounts_of(plan, sidecar);
  }
}

void add_file_storage(Planning& plan) {
  for (const auto& [key, share] : plan.shares) {
    const auto account = std::string(providers::file_account_node(share.protocol));
    if (!plan.graph.find(account)) {
      plan.graph.add(providers::file_account(plan.scope, share.protocol));
      if (share.protocol == ShareProtocol::smb)
        plan.graph.add(graph::Action{
            .id = std::string(providers::kFilesKey),
            .what =
                graph::WriteSecret{std::string(providers::kVault), providers::derived_secret_name("files"),
                                   graph::ComposedRecipe{{providers::list_of(account, "listKeys", "keys[0].value")}}},
            .origin = {},
            .because = "the environment mounts shares with it",
            .service = {},
            .after = {}});
    }
    const auto share_node = node("share", share.name);
    auto resource = providers::file_share(plan.scope, share_node, share.name, share.protocol);
    resource.because = share.because;
    resource.origin = share.origin;
    plan.graph.add(std::move(resource));
    for (const auto access : {ShareAccess::read_write, ShareAccess::read_only}) {
      if (!(access == ShareAccess::read_only ? share.is_read_only_somewhere : share.is_written)) continue;
      auto storage = providers::environment_storage(plan.scope, storage_node(share.name, access), share_node,
                                                    share.name, share.protocol, access);
      storage.because = share.because;
      storage.origin = share.origin;
      plan.graph.add(std::move(storage));
    }
  }
}

void add_volumes(Planning& plan, PlannedService& planned) {
  auto& workload = planned.workload;
  std::vector<SecretFile> files;
  // Containers of one replica have their volumes in one list.
  const auto prefix = planned.is_sidecar ? workload.name + "-" : std::string();
  std::size_t scratches = 0, folders = 0;
  for (const auto& mount : planned.mounts) {
    if (mount.kind == Kind::scratch) {
      const auto name = fmt::format("{}scratch-{}", prefix, ++scratches);
      workload.volumes.push_back(providers::scratch_volume(name));
      workload.mounts.push_back(providers::volume_mount(name, mount.path));
    } else if (mount.kind == Kind::share) {
      add_share_mount(plan, workload, mount);
    } else if (mount.is_file) {
      files.push_back(
          {mount.path,
           use_secret(plan, workload, file_node(plan, mount.files[0].local, planned.service->name, mount.span))});
    } else {
      add_folder(plan, planned, mount, fmt::format("{}folder-{}", prefix, ++folders));
    }
  }
  const auto& service = *planned.service;
  collect_files(plan, planned, service.secrets, plan.project.secrets, "secret", kSecretsFolder, files);
  collect_files(plan, planned, service.configs, plan.project.configs, "config", "/", files);
  add_secret_files(workload, prefix, std::move(files));
}

std::vector<graph::Edge> needs_of_mounts(const Planning& plan, const PlannedService& planned) {
  std::vector<graph::Edge> edges;
  for (const auto& mount : planned.mounts)
    if (mount.kind == Kind::share)
      edges.push_back({storage_node(plan.shares.at(mount.share).name,
                                    mount.read_only ? ShareAccess::read_only : ShareAccess::read_write),
                       "its volume must be known to the environment"});
  return edges;
}

}  // namespace defang::plan
