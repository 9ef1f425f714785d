#include "cli/views/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "azure/costs.h"
#include "azure/location.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using graph::Resource;
using graph::Value;

const Value* at(const Value& value, std::initializer_list<std::string_view> keys) {
  const Value* found = &value;
  for (const auto key : keys)
    if (found) found = found->find(key);
  return found;
}

/// Of a value that the plan has written itself; references are shown by what they refer to.
std::string text_of(const Value* value) {
  if (!value) return "";
  if (const auto* integer = value->get_if<std::int64_t>()) return std::to_string(*integer);
  if (const auto* number = value->get_if<double>()) return fmt::format("{:g}", *number);
  std::string text;
  if (const auto* pieces = value->get_if<Value::Text>())
    for (const auto& piece : *pieces)
      if (const auto* literal = std::get_if<std::string>(&piece)) text += *literal;
  return text;
}

bool is_true(const Value* value) { return value && *value == Value(true); }

/// "https://<name that Azure gives>, from port 3000", "siblings: web:8080, web:9090"
std::vector<std::string> addresses_of(const Resource& app) {
  const auto* ingress = at(app.body, {"properties", "configuration", "ingress"});
  if (!ingress) return {"not reachable: it names no port"};
  const auto port = text_of(ingress->find("targetPort"));
  const bool is_public = is_true(ingress->find("external"));
  const bool is_tcp = text_of(ingress->find("transport")) == "tcp";
  std::vector<std::string> lines, inside;
  if (is_public) lines.push_back(is_tcp ? "public: TCP port " + port : "public: HTTPS, forwarded to port " + port);
  inside.push_back(is_tcp ? app.name + ":" + port : "http://" + app.name);
  if (const auto* mappings = ingress->find("additionalPortMappings"))
    for (const auto& mapping : *mappings->get_if<Value::List>()) {
      inside.push_back(app.name + ":" + text_of(mapping.find("targetPort")));
      if (is_true(mapping.find("external"))) lines.push_back("public: TCP port " + text_of(mapping.find("targetPort")));
    }
  lines.push_back("siblings: " + join(inside, ", "));
  return lines;
}

std::vector<std::string> size_of(const Resource& workload) {
  const auto* containers = at(workload.body, {"properties", "template", "containers"});
  const auto& container = containers->get_if<Value::List>()->front();
  auto line =
      text_of(at(container, {"resources", "cpu"})) + " CPUs, " + text_of(at(container, {"resources", "memory"}));
  const auto replicas = text_of(at(workload.body, {"properties", "template", "scale", "maxReplicas"}));
  if (!replicas.empty()) line += ", " + replicas + (replicas == "1" ? " replica" : " replicas");
  return {line};
}

/// "image nginx:1.27, pinned to sha256:6965a10c1529"
std::string pulled_image(const std::string& used, const compose::Project& project, const std::string& service) {
  constexpr std::size_t kShown = std::string_view("sha256:").size() + 12;  // as Docker shortens digests
  const auto found = project.services.find(service);
  const auto at = used.find('@');
  if (found == project.services.end() || !found->second.image || at == std::string::npos ||
      found->second.image->value == used)
    return "image " + used;
  return fmt::format("image {}, pinned to {}", found->second.image->value, used.substr(at + 1, kShown));
}

std::string image_line(const compose::Project& project, const graph::ResourceGraph& graph, const Resource& workload) {
  if (const auto* action = graph.action("build/" + workload.service)) {
    const auto& build = std::get<graph::BuildImage>(action->what);
    if (build.context.empty()) return "built on top of its image";
    if (build.buildpacks) return "built with buildpacks from " + build.context;
    return "built from " + build.context + " (" + (build.inline_dockerfile.empty() ? build.dockerfile : "inline") + ")";
  }
  const auto* containers = at(workload.body, {"properties", "template", "containers"});
  const auto used = text_of(containers->get_if<Value::List>()->front().find("image"));
  return pulled_image(used, project, workload.service);
}

std::string service_lines(const compose::Project& project, const graph::ResourceGraph& graph,
                          const Resource& workload) {
  const bool is_job = workload.type == "Microsoft.App/jobs";
  std::string text = fmt::format("  {}  {} `{}`\n", workload.service, is_job ? "job" : "container app", workload.name);
  std::vector<std::string> lines = {image_line(project, graph, workload)};
  for (auto& line : size_of(workload)) lines.push_back(std::move(line));
  if (!is_job)
    for (auto& line : addresses_of(workload)) lines.push_back(std::move(line));
  for (const auto& line : lines) text += "    " + line + "\n";
  return text;
}

std::string config_lines(const compose::Project& project) {
  std::string text;
  for (const auto& [name, uses] : plan::config_needed(project))
    text += fmt::format("  {}{}\n", name, uses.front().span ? "  (" + uses.front().span.text() + ")" : "");
  return text.empty() ? text : "\nConfig, set by `defang config set`:\n" + text;
}

/// Replicas that a container app keeps though nobody asks it for anything.
bool keeps_replicas(const Resource& resource) {
  const auto* least = at(resource.body, {"properties", "template", "scale", "minReplicas"});
  return resource.type != "Microsoft.App/containerApps" || (least && *least != Value(0));
}

/// Resources of one type stand in one line; children are billed with their parents.
std::string cost_lines(const graph::ResourceGraph& graph) {
  std::map<std::string_view, std::vector<std::string>> names;
  for (const auto& [id, node] : graph.nodes())
    if (const auto* resource = std::get_if<Resource>(&node);
        resource && resource->name.find('/') == std::string::npos && keeps_replicas(*resource))
      if (const auto cost = azure::idle_cost_of(resource->type); !cost.empty()) names[cost].push_back(resource->name);
  std::string text;
  for (const auto& [cost, whose] : names) text += fmt::format("  {}: {}\n", join(whose, ", "), cost);
  return text.empty() ? text : "\nWhile nobody uses it, this still costs:\n" + text;
}

std::string kept_line(const deploy::KeptStore& store) {
  const auto cost = azure::idle_cost_of(store.type);
  return fmt::format("  {}  {}{}{}", store.name, store.type,
                     store.service.empty() ? "" : ", of service " + store.service,
                     cost.empty() ? "" : fmt::format(", costs {}", cost));
}

/// Red, line by line: a pager that shows a part of it shows that part in red, too.
std::string kept_lines(const KeptView& kept) {
  std::vector<std::string> lines;
  if (!kept.goes.empty()) lines.emplace_back("DELETED with all its data, as the project does not use it any more:");
  for (const auto& store : kept.goes) lines.push_back(kept_line(store));
  if (!kept.stays.empty()) lines.emplace_back("Kept with all its data, though the project does not use it any more:");
  for (const auto& store : kept.stays) {
    lines.push_back(kept_line(store));
    lines.push_back(
        store.service.empty()
            ? "    `defang compose down --delete-data` deletes the stack with all its data"
            : fmt::format("    `defang compose up --delete-data {}` deletes it; a service of that name uses it again",
                          store.service));
  }
  std::string text;
  for (const auto& line : lines) text += kept.wants_color ? fmt::format("\033[31m{}\033[0m\n", line) : line + "\n";
  return text.empty() ? text : "\n" + text;
}

}  // namespace

std::string plan_text(const compose::Project& project, const plan::Stack& stack, const graph::ResourceGraph& graph,
                      const KeptView& kept) {
  const auto location = azure::Location::parse(stack.location);
  auto text = fmt::format("Project {}, stack {}, in {}\nResource group {}\n\nServices:\n", project.name, stack.name,
                          location ? azure::display_name(*location) : stack.location,
                          plan::resource_group_name(project.name, stack));
  std::string shared;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<Resource>(&node);
    if (!resource) continue;
    if (resource->type == "Microsoft.App/containerApps" || resource->type == "Microsoft.App/jobs")
      text += service_lines(project, graph, *resource);
    else
      shared += fmt::format("  {}  {}\n", resource->name, resource->type);
  }
  text += "\nShared:\n" + shared + config_lines(project) + cost_lines(graph) + kept_lines(kept);
  return text + "\nEvery node with what it needs:\n" + graph::to_text(graph);
}

}  // namespace defang::cli
