#include "plan/attributes.h"

#include <algorithm>
#include <array>
#include <set>

#include "plan/diagnostics.h"
#include "plan/siblings.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using enum AttributeSupport::Verdict;

// Reasons follow azure-rules CA-160 and ACR-27 where nothing else is said.
constexpr auto kSupport = std::to_array<AttributeSupport>({
    {"annotations", silent, "annotations are for other tools"},
    {"attach", silent, "logs are collected from every service"},
    {"blkio_config", noted, "Container Apps does not tune disks"},
    {"build", honoured, "built by the registry"},
    {"build.additional_contexts", refused, "the registry builds from one context only"},
    {"build.cache_from", silent, "an unchanged source is not built again"},
    {"build.cache_to", silent, "an unchanged source is not built again"},
    {"build.entitlements", refused, "the registry's builders give none"},
    {"build.extra_hosts", refused, "the registry's builders resolve public names only"},
    {"build.isolation", silent, "the registry chooses it"},
    {"build.labels", noted, "the image gets the labels of its Dockerfile only"},
    {"build.network", warned, "the registry's builders have their own network"},
    {"build.no_cache", silent, "an unchanged source is not built again"},
    {"build.no_cache_filter", silent, "an unchanged source is not built again"},
    {"build.platforms", adapted, "Container Apps runs linux/amd64"},
    {"build.privileged", refused, "the registry's builders are not privileged"},
    {"build.provenance", silent, "the registry writes none"},
    {"build.pull", silent, "the registry's builders start fresh"},
    {"build.sbom", silent, "the registry writes none"},
    {"build.secrets", adapted, "from the vault to BuildKit; they are in no layer and in no log"},
    {"build.shm_size", noted, "the registry chooses it"},
    {"build.ssh", refused, "the registry's builders have no agent to ask"},
    {"build.tags", silent, "the image is tagged with the digest of its source"},
    {"build.ulimits", noted, "the registry chooses them"},
    {"cap_add", warned, "containers get no further capabilities on Container Apps"},
    {"cap_drop", noted, "Container Apps gives every container the same capabilities"},
    {"cgroup", refused, "Container Apps does not show its cgroups"},
    {"cgroup_parent", noted, "Container Apps has its own cgroups"},
    {"command", honoured, "the container's arguments"},
    {"configs", adapted, "files from the vault"},
    {"container_name", adapted, "siblings' references to it are rewritten"},
    {"cpu_count", noted, "`cpus` says how many"},
    {"cpu_percent", noted, "`cpus` says how many"},
    {"cpu_period", noted, "`cpus` says how many"},
    {"cpu_quota", noted, "`cpus` says how many"},
    {"cpu_rt_period", noted, "Container Apps has no real-time scheduling"},
    {"cpu_rt_runtime", noted, "Container Apps has no real-time scheduling"},
    {"cpu_shares", noted, "`cpus` says how many"},
    {"cpus", honoured, "rounded up to a pair of CPUs and memory; above 4 a machine of its own"},
    {"cpuset", noted, "Container Apps chooses the CPUs"},
    {"credential_spec", refused, "Container Apps runs Linux only"},
    {"depends_on", honoured, "the order of the deployment"},
    {"deploy", honoured, ""},
    {"deploy.endpoint_mode", silent, "the environment balances the load"},
    {"deploy.labels", silent, "labels are for other tools"},
    {"deploy.mode", adapted, "the number of replicas is fixed"},
    {"deploy.placement", noted, "Container Apps chooses where replicas run"},
    {"deploy.replicas", honoured, "the number of replicas"},
    {"deploy.resources", honoured,
     "rounded up to a pair of CPUs and memory; above 4 CPUs or 8 GiB a machine of its own"},
    {"deploy.resources.limits.pids", noted, "Container Apps does not limit processes"},
    {"deploy.resources.reservations.devices", adapted, "a machine with one GPU"},
    {"deploy.resources.reservations.generic_resources", refused, "Container Apps has CPUs and memory only"},
    {"deploy.restart_policy", noted, "Container Apps restarts what ends"},
    {"deploy.rollback_config", noted, "a revision that does not become healthy never replaces the old one"},
    {"deploy.update_config", noted, "a new revision replaces the old one once it is healthy"},
    {"develop", silent, "it is for work on this machine"},
    {"device_cgroup_rules", refused, "Container Apps has no devices"},
    {"devices", refused, "Container Apps has no devices"},
    {"dns", warned, "the environment resolves names for all services"},
    {"dns_opt", warned, "the environment resolves names for all services"},
    {"dns_search", warned, "the environment resolves names for all services"},
    {"domainname", honoured, "`defang cert generate` makes the service answer there, with a certificate"},
    {"entrypoint", honoured, "the container's command"},
    {"env_file", honoured, "folded into the environment"},
    {"environment", honoured, "variables, and secrets of the vault for config"},
    {"expose", honoured, "open for siblings"},
    {"extends", honoured, "resolved when loading"},
    {"external_links", refused, "services of other projects are not in this environment"},
    {"extra_hosts", warned, "names are resolved by the environment only"},
    {"gpus", adapted, "a machine with one GPU"},
    {"group_add", warned, "the groups of the image's user apply"},
    {"healthcheck", adapted, "HTTP and TCP probes"},
    {"hostname", noted, "siblings reach the service by its own name"},
    {"image", honoured, "pulled by the environment, from a registry of your own as the stack's identity"},
    {"init", silent, "Container Apps reaps processes"},
    {"ipc", refused, "containers do not share memory on Container Apps"},
    {"isolation", silent, "Container Apps chooses it"},
    {"label_file", silent, "labels are for other tools"},
    {"labels", silent, "labels are for other tools"},
    {"links", adapted, "services reach each other by name"},
    {"logging", silent, "logs go to the stack's workspace"},
    {"mac_address", noted, "addresses are Azure's"},
    {"mem_limit", honoured, "rounded up to a pair of CPUs and memory; above 8 GiB a machine of its own"},
    {"mem_reservation", honoured, "rounded up to a pair of CPUs and memory"},
    {"mem_swappiness", silent, "Container Apps does not swap"},
    {"memswap_limit", silent, "Container Apps does not swap"},
    {"models", adapted, "deployments in an account of Azure AI Foundry"},
    {"network_mode", adapted,
     "`service:x` makes a container of the same replicas; otherwise every service has a network of its own"},
    {"networks", adapted, "all services of a project are in one network"},
    {"networks.*.driver_opts", noted, "the network is Azure's"},
    {"networks.*.gw_priority", silent, "there is one network"},
    {"networks.*.interface_name", noted, "the network is Azure's"},
    {"networks.*.ipv4_address", warned, "addresses are Azure's; services reach each other by name"},
    {"networks.*.ipv6_address", warned, "addresses are Azure's; services reach each other by name"},
    {"networks.*.link_local_ips", warned, "addresses are Azure's; services reach each other by name"},
    {"networks.*.mac_address", noted, "addresses are Azure's"},
    {"networks.*.priority", silent, "there is one network"},
    {"oom_kill_disable", noted, "Container Apps ends what exceeds its memory"},
    {"oom_score_adj", noted, "Container Apps ends what exceeds its memory"},
    {"pid", refused, "containers do not share processes on Container Apps"},
    {"pids_limit", noted, "Container Apps does not limit processes"},
    {"platform", adapted, "Container Apps runs linux/amd64"},
    {"ports", honoured, "ingress"},
    {"post_start", refused,
     "nothing can be run in a container of Container Apps from outside; begin `command` with it"},
    {"pre_start", adapted, "init containers, before each replica"},
    {"pre_start.privileged", refused, "Container Apps runs no privileged containers"},
    {"pre_start.user", warned, "the image's own user applies on Container Apps"},
    {"pre_start.working_dir", refused,
     "Container Apps starts containers in the image's own folder; say `cd` in the command"},
    {"pre_stop", refused, "nothing can be run in a container of Container Apps from outside; let it act on SIGTERM"},
    {"privileged", refused, "Container Apps runs no privileged containers"},
    {"profiles", honoured, "resolved when loading"},
    {"provider", adapted, "`type: model` is a deployment in an account of Azure AI Foundry; other types are refused"},
    {"pull_policy", honoured,
     "when the digest behind a tag is looked up anew; apps name the digest, and Azure pulls it wherever they start"},
    {"pull_refresh_after", honoured, "with `pull_policy: refresh`"},
    {"read_only", warned, "the root file system stays writable on Container Apps"},
    {"restart", adapted, "Container Apps restarts what ends; `no` without ports is a job"},
    {"runtime", adapted, "WebAssembly programs get WasmEdge into their images; Container Apps has one runtime"},
    {"scale", honoured, "the number of replicas"},
    {"secrets", adapted, "files from the vault"},
    {"security_opt", warned, "Container Apps has its own profiles"},
    {"shm_size", warned, "Container Apps gives /dev/shm its own size"},
    {"stdin_open", silent, "nobody types into a service"},
    {"stop_grace_period", honoured, "up to 600 s"},
    {"stop_signal", warned, "Container Apps sends SIGTERM"},
    {"storage_opt", noted,
     "the size of an app's disk follows from its CPUs; with managed PostgreSQL, `size` is that of the server's disk"},
    {"sysctls", refused, "Container Apps does not set kernel parameters"},
    {"tmpfs", adapted, "scratch folders, without a size of their own"},
    {"tty", silent, "logs need no terminal"},
    {"ulimits", warned, "Container Apps has its own limits"},
    {"use_api_socket", refused, "there is no container engine to talk to"},
    {"user", adapted, "written into the image, which is built for it where the service only names one"},
    {"userns_mode", noted, "Container Apps chooses it"},
    {"uts", noted, "every replica has its own host name"},
    {"volumes", adapted,
     "shares of Azure Files, scratch folders, or small files from the vault; a source mounted for development is left "
     "out"},
    {"volumes_from", adapted, "the same shares at the same places"},
    {"working_dir", adapted, "written into the image, which is built for it where the service only names one"},
    {"x-defang-aliases", refused, "aliases are not supported yet"},
    {"x-defang-autoscaling", honoured, "replicas within a range, by requests, connections, CPU, memory or the clock"},
    {"x-defang-dns-role", noted, "it is for another cloud"},
    {"x-defang-llm", adapted, "a model of Azure AI Foundry; an app stays, a gateway image is replaced"},
    {"x-defang-mongodb", adapted, "Azure DocumentDB"},
    {"x-defang-mysql", adapted, "Azure Database for MySQL"},
    {"x-defang-object-storage", adapted, "containers of Azure Blob Storage, for clients of Azure's own"},
    {"x-defang-policies", refused, "policies are not supported yet"},
    {"x-defang-postgres", adapted, "Azure Database for PostgreSQL"},
    {"x-defang-redis", adapted, "Azure Managed Redis"},
    {"x-defang-schedule", honoured, "a job that runs by the clock, in UTC"},
    {"x-defang-static-files", refused, "static files are not supported yet"},
});
static_assert(std::ranges::is_sorted(kSupport, {}, &AttributeSupport::path));

/// "ports[0].target" -> "ports", "target"
std::vector<std::string> segments_of(std::string_view path) {
  auto segments = split(path, '.');
  for (auto& segment : segments) segment = segment.substr(0, segment.find('['));
  std::erase_if(segments, [](const std::string& segment) { return segment.empty(); });
  return segments;
}

bool is_prefix(std::string_view pattern, const std::vector<std::string>& path) {
  for (const auto& name : path) {
    const auto part = pattern.substr(0, pattern.find('.'));
    if (part != "*" && part != name) return false;
    if (part.size() == pattern.size()) return true;
    pattern.remove_prefix(part.size() + 1);
  }
  return false;
}

/// `privileged: false` asks for nothing.
bool asks_for_nothing(const compose::Node* node) {
  if (!node) return false;
  if (node->kind == compose::Node::Kind::boolean) return !node->boolean;
  if (node->is_text()) return node->text == "false";
  return (node->is_list() && node->items.empty());
}

}  // namespace

std::string_view name_of(AttributeSupport::Verdict verdict) {
  switch (verdict) {
    case honoured:
      return "honoured";
    case adapted:
      return "adapted";
    case silent:
      return "not used";
    case noted:
      return "not used, with a note";
    case warned:
      return "not used, with a warning";
    case refused:
      return "refused";
  }
  return "";
}

std::string description_of(const AttributeSupport& support) {
  std::string text = "on Azure: " + std::string(name_of(support.verdict));
  if (!support.reason.empty()) text += ", " + std::string(support.reason);
  return text;
}

std::span<const AttributeSupport> attribute_support() { return kSupport; }

const AttributeSupport* support_of(std::string_view path) {
  const auto segments = segments_of(path);
  const AttributeSupport* longest = nullptr;
  for (const auto& row : kSupport)
    if (is_prefix(row.path, segments) && (!longest || row.path.size() > longest->path.size())) longest = &row;
  return longest;
}

void check_attributes(const compose::Project& project, const compose::Service& service, Diagnostics& diagnostics) {
  std::set<std::string_view> said;  // once a row, however many attributes stand below it
  for (const auto& attribute : service.attributes) {
    const auto* row = support_of(attribute.path);
    if (!row) {
      // Extensions of other tools are legal everywhere (compose-spec, "Extensions"); ours are in the table.
      if (!attribute.path.starts_with("x-")) diagnostics.add(unknown_attribute(service.name, attribute));
      continue;
    }
    if (row->verdict < noted || !said.insert(row->path).second) continue;
    if (asks_for_nothing(value_at(project, service.name, row->path))) continue;
    diagnostics.add(unsupported_attribute(service.name, *row, attribute.span));
  }
}

}  // namespace defang::plan
