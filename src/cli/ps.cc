#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/domains.h"
#include "cli/services.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string replicas_text(const deploy::ServiceStatus& service) {
  const auto ready = std::ranges::count_if(service.replicas, [](const deploy::Replica& replica) {
    return !replica.containers.empty() && std::ranges::all_of(replica.containers, &deploy::Container::ready);
  });
  return fmt::format("{}/{}", ready, service.replicas.size());
}

int restarts_of(const deploy::ServiceStatus& service) {
  int count = 0;
  for (const auto& replica : service.replicas)
    for (const auto& container : replica.containers) count += container.restarts;
  return count;
}

/// "web@sha256:0123456789ab" of an image in a registry of ours; public ones as they are written.
std::string short_image(const std::string& image) {
  const auto digest = image.find("@sha256:");
  if (digest == std::string::npos) return image;
  const auto slash = image.find('/');
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  return image.substr(begin, digest + std::string_view("@sha256:").size() + 12 - begin);
}

Json to_json(const deploy::ServiceStatus& service) {
  Json out = {{"service", service.service}, {"app", service.app_name},  {"revision", service.revision},
              {"state", service.state},     {"health", service.health}, {"restarts", restarts_of(service)},
              {"image", service.image}};
  if (!service.url.empty()) out["url"] = service.url;
  if (!service.internal_address.empty()) out["internalAddress"] = service.internal_address;
  if (!service.details.empty()) out["details"] = service.details;
  out["replicas"] = Json::array();
  for (const auto& replica : service.replicas) {
    Json containers = Json::array();
    for (const auto& container : replica.containers)
      containers.push_back({{"name", container.name},
                            {"ready", container.ready},
                            {"state", container.state},
                            {"restarts", container.restarts},
                            {"details", container.details}});
    out["replicas"].push_back(
        {{"name", replica.name}, {"state", replica.state}, {"containers", std::move(containers)}});
  }
  return out;
}

std::string full_table(const std::vector<deploy::ServiceStatus>& services) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& service : services)
    rows.push_back({service.service, service.state, service.health, replicas_text(service),
                    std::to_string(restarts_of(service)), service.revision, short_image(service.image),
                    service.url.empty() ? service.internal_address : service.url});
  return table({"service", "state", "health", "ready", "restarts", "revision", "image", "address"}, rows);
}

}  // namespace

std::string services_table(const std::vector<deploy::ServiceStatus>& services) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& service : services)
    rows.push_back({service.service, service.state, service.health, replicas_text(service),
                    std::to_string(restarts_of(service)),
                    service.url.empty() ? service.internal_address : service.url});
  return table({"service", "state", "health", "ready", "restarts", "address"}, rows);
}

std::string addresses_table(const std::vector<deploy::ServiceStatus>& services) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& service : services)
    rows.push_back({service.service, service.state, service.url.empty() ? service.internal_address : service.url});
  return table({"service", "state", "address"}, rows);
}

Result<std::vector<deploy::ServiceStatus>> services_of(Session& session, const std::string& project, Context& context) {
  TRY_ASSIGN(const auto loopback, deploy::loopback_urls(*session.arm, session.cloud.emulator_ingress, context.stop));
  return deploy::list_services(*session.arm, session.stack().subscription_id,
                               plan::resource_group_name(project, session.stack()), project, session.stack().name,
                               loopback, context.stop);
}

bool select_services(std::vector<deploy::ServiceStatus>& services, const std::vector<std::string>& words,
                     Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const auto& service : services) names.push_back(service.service);
  for (const auto& word : words) {
    if (std::ranges::find(names, word) != names.end()) continue;
    const auto near = did_you_mean(word, names);
    diagnostics.error("services.unknown", fmt::format("no service `{}` runs in this stack", word), {},
                      near ? fmt::format("did you mean `{}`?", *near) : "`defang ps` shows what runs");
  }
  if (!words.empty())
    std::erase_if(services,
                  [&](const auto& service) { return std::ranges::find(words, service.service) == words.end(); });
  return !diagnostics.has_errors();
}

void print_services(const std::vector<deploy::ServiceStatus>& services, const std::string& table,
                    const Arguments& arguments, Context& context) {
  if (!arguments.json) return context.out.write(table);
  Json rows = Json::array();
  for (const auto& service : services)
    rows.push_back({{"service", service.service}, {"state", service.state}, {"url", service.url}});
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.now().time_since_epoch());
  context.out.write(
      Json{{"type", "services"}, {"time", to_iso8601(time.count())}, {"services", std::move(rows)}}.dump() + "\n");
}

int run_ps(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  const auto services = session ? services_of(*session, project->name, context) : std::unexpected(session.error());
  if (!services) {
    print(services.error(), arguments, context);
    return exit_code_of(services.error());
  }
  const bool has_domains = !plan::custom_domains(*project).empty() ||
                           std::ranges::any_of(*services, [](const auto& one) { return !one.domains.empty(); });
  const auto domains = has_domains ? report_domains(*project, *session, context) : std::vector<DomainReport>();
  if (!domains) {
    print(domains.error(), arguments, context);
    return exit_code_of(domains.error());
  }
  if (arguments.json) {
    Json document = {{"project", project->name}, {"stack", session->stack().name}, {"services", Json::array()}};
    for (const auto& service : *services) document["services"].push_back(to_json(service));
    document["domains"] = Json::array();
    for (const auto& report : *domains) document["domains"].push_back(to_json(report));
    context.out.write(document.dump() + "\n");
  } else if (services->empty()) {
    context.err.write(
        fmt::format("nothing of project `{}` runs in stack `{}`\n", project->name, session->stack().name));
  } else {
    context.out.write(full_table(*services));
    if (!domains->empty()) context.out.write("\n" + domains_table(*domains));
  }
  return exit_done;
}

}  // namespace defang::cli
