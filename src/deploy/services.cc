#include "deploy/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

/// The text at a path of members; empty where it is absent, null or no text.
std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) && json[where].is_string() ? json[where].get<std::string>() : "";
}

int number_at(const Json& json, const char* pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) && json[where].is_number() ? json[where].get<int>() : 0;
}

bool true_at(const Json& json, const char* pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) && json[where].is_boolean() && json[where].get<bool>();
}

Container container_of(const Json& json) {
  return {.name = text_at(json, "/name"),
          .ready = true_at(json, "/ready"),
          .restarts = number_at(json, "/restartCount"),
          .state = text_at(json, "/runningState"),
          .details = text_at(json, "/runningStateDetails"),
          .log_stream = text_at(json, "/logStreamEndpoint")};
}

Replica replica_of(const Json& json) {
  Replica replica{.name = text_at(json, "/name"),
                  .state = text_at(json, "/properties/runningState"),
                  .init_containers = {},
                  .containers = {}};
  const auto read = [&](const char* pointer, std::vector<Container>& containers) {
    const Json::json_pointer where(pointer);
    if (json.contains(where) && json[where].is_array())
      for (const auto& container : json[where]) containers.push_back(container_of(container));
  };
  read("/properties/initContainers", replica.init_containers);
  read("/properties/containers", replica.containers);
  return replica;
}

/// `api:8080` for TCP, `api` for HTTP: how siblings reach it (CA-80..82).
std::string internal_address(const Json& app) {
  const Json::json_pointer where("/properties/configuration/ingress");
  if (!app.contains(where) || !app[where].is_object()) return "";
  const std::string name = text_at(app, "/name");
  if (!equals_ignoring_case(text_at(app, "/properties/configuration/ingress/transport"), "tcp")) return name;
  const int exposed = number_at(app, "/properties/configuration/ingress/exposedPort");
  return fmt::format("{}:{}", name,
                     exposed != 0 ? exposed : number_at(app, "/properties/configuration/ingress/targetPort"));
}

std::string public_url(const Json& app, const std::map<std::string, std::string>& loopback) {
  if (!true_at(app, "/properties/configuration/ingress/external")) return "";
  if (const auto found = loopback.find(to_lower(text_at(app, "/id"))); found != loopback.end()) return found->second;
  const std::string fqdn = text_at(app, "/properties/configuration/ingress/fqdn");
  return fqdn.empty() ? "" : "https://" + fqdn;
}

Result<void> add_revision(rest::ArmClient& arm, ServiceStatus& status, std::stop_token stop) {
  if (status.revision.empty()) return {};
  const auto id = azure::ResourceId::parse(status.app + "/revisions/" + status.revision);
  if (!id) return {};
  TRY_ASSIGN(const auto revision, arm.get(*id, version_of("Microsoft.App/containerApps/revisions"), stop));
  if (!revision) return {};  // it comes a moment after the app (CA-47)
  status.state = text_at(*revision, "/properties/runningState");
  status.health = text_at(*revision, "/properties/healthState");
  status.details = text_at(*revision, "/properties/provisioningError");
  if (status.details.empty()) status.details = text_at(*revision, "/properties/runningStateDetails");
  auto replicas =
      arm.list(id->text() + "/replicas", version_of("Microsoft.App/containerApps/revisions/replicas"), stop);
  if (!replicas && replicas.error().http_status == 404) return {};
  if (!replicas) return std::unexpected(std::move(replicas).error());
  for (const auto& replica : *replicas) status.replicas.push_back(replica_of(replica));
  return {};
}

}  // namespace

Result<std::vector<ServiceStatus>> list_services(rest::ArmClient& arm, const std::string& subscription,
                                                 const std::string& group, const std::string& project,
                                                 const std::string& stack,
                                                 const std::map<std::string, std::string>& loopback,
                                                 std::stop_token stop) {
  const auto group_id = azure::ResourceId::group(subscription, group);
  auto apps = arm.list(group_id.text() + "/providers/Microsoft.App/containerApps",
                       version_of("Microsoft.App/containerApps"), stop);
  if (!apps && (apps.error().http_status == 404 || rest::means_absent(apps.error())))
    return std::vector<ServiceStatus>();
  if (!apps) return std::unexpected(std::move(apps).error());
  auto services = services_in(*apps, project, stack, loopback);
  for (auto& status : services) {
    const bool is_stopped = equals_ignoring_case(status.state, "Stopped");
    TRY(add_revision(arm, status, stop));
    if (is_stopped) {
      status.state = "Stopped";
      status.health = "";
    }
  }
  return services;
}

std::vector<ServiceStatus> services_in(const std::vector<Json>& apps, const std::string& project,
                                       const std::string& stack, const std::map<std::string, std::string>& loopback) {
  std::vector<ServiceStatus> services;
  for (const auto& app : apps) {
    if (text_at(app, "/tags/defang-project") != project || text_at(app, "/tags/defang-stack") != stack) continue;
    if (!text_at(app, "/tags/defang-shell").empty()) continue;  // of no service (store_shell.h)
    ServiceStatus status;
    status.service = text_at(app, "/tags/defang-service");
    status.app = text_at(app, "/id");
    status.app_name = text_at(app, "/name");
    status.revision = text_at(app, "/properties/latestRevisionName");
    status.state = text_at(app, "/properties/runningStatus");
    status.image = text_at(app, "/properties/template/containers/0/image");
    status.url = public_url(app, loopback);
    status.internal_address = internal_address(app);
    const Json::json_pointer domains("/properties/configuration/ingress/customDomains");
    if (app.contains(domains) && app[domains].is_array())
      for (const auto& domain : app[domains]) status.domains.push_back(domain.value("name", ""));
    status.event_stream = text_at(app, "/properties/eventStreamEndpoint");
    services.push_back(std::move(status));
  }
  std::ranges::sort(services, {}, &ServiceStatus::service);
  return services;
}

Result<std::map<std::string, std::string>> loopback_urls(rest::ArmClient& arm, const std::string& url,
                                                         std::stop_token stop) {
  std::map<std::string, std::string> urls;
  if (url.empty()) return urls;
  TRY_ASSIGN(const auto answer, arm.raw("GET", url, "", stop));
  if (answer.status != 200) return fail(rest::error_of(answer));
  const Json document = Json::parse(answer.body, nullptr, false);
  if (!document.is_object() || !document.contains("apps")) return urls;
  for (const auto& app : document["apps"]) urls[to_lower(text_at(app, "/id"))] = text_at(app, "/url");
  return urls;
}

}  // namespace defang::deploy
