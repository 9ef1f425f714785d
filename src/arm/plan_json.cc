#include <nlohmann/json.hpp>

#include "arm/template.h"

namespace defang::arm {
namespace {

using namespace graph;
using Json = nlohmann::ordered_json;

std::string_view name_of(Retention retention) {
  switch (retention) {
    case Retention::stateless:
      return "stateless";
    case Retention::data:
      return "data";
    case Retention::shared:
      return "shared";
  }
  return "";
}

Json needs_of(const ResourceGraph& graph, const std::string& id) {
  Json ids = Json::array();
  for (const auto& edge : graph.edges_of(id)) ids.push_back(edge.node);
  return ids;
}

Json written(const BuildImage& build) {
  Json args = Json::object();
  for (const auto& [name, value] : build.args) args[name] = value;
  Json json = {{"type", "build"},
               {"registry", build.registry},
               {"context", build.context},
               {"platform", build.platform},
               {"args", std::move(args)}};
  if (build.buildpacks)
    json["buildpacks"] = true;
  else
    json["dockerfile"] = build.inline_dockerfile.empty() ? build.dockerfile : "inline";
  if (!build.target.empty()) json["target"] = build.target;
  if (!build.appended.empty()) json["appended"] = build.appended;
  for (const auto& secret : build.secrets) json["secrets"].push_back(secret.id);
  for (const auto& login : build.logins) json["logins"][login.server] = login.user;
  return json;
}

Json written(const WriteSecret& secret) {
  Json json = {{"type", "secret"}, {"vault", secret.vault}, {"name", secret.name}};
  if (const auto* config = std::get_if<ConfigRecipe>(&secret.recipe))
    json["config"] = config->name;
  else if (const auto* composed = std::get_if<ComposedRecipe>(&secret.recipe))
    json["composed"] = to_json_with_references(Value(composed->pieces));
  else if (const auto* file = std::get_if<FileRecipe>(&secret.recipe))
    json["file"] = file->path;
  else if (const auto* login = std::get_if<LoginRecipe>(&secret.recipe))
    json["login"] = {{"server", login->server}, {"user", login->user}};
  else
    json["generated"] = true;
  return json;
}

Json written(const AwaitRevision& await) { return {{"type", "await"}, {"app", await.app}}; }
Json written(const RunJob& run) { return {{"type", "run"}, {"job", run.job}}; }

Json written(const ResourceGraph& graph, const Resource& resource) {
  Json json = {{"id", resource.id},
               {"type", resource.type},
               {"apiVersion", resource.api_version},
               {"name", resource.name},
               {"dependsOn", needs_of(graph, resource.id)},
               {"origin", resource.origin.text()},
               {"because", resource.because},
               {"service", resource.service},
               {"retention", name_of(resource.retention)},
               {"body", to_json_with_references(resource.body)}};
  if (!resource.scope.empty()) json["scope"] = resource.scope;
  return json;
}

Json written(const ResourceGraph& graph, const Action& action) {
  Json json = {{"id", action.id}};
  json.update(std::visit([](const auto& what) { return written(what); }, action.what));
  json["dependsOn"] = needs_of(graph, action.id);
  json["origin"] = action.origin.text();
  json["because"] = action.because;
  json["service"] = action.service;
  return json;
}

}  // namespace

std::string to_plan_json(const ResourceGraph& graph) {
  Json resources = Json::array(), actions = Json::array();
  for (const auto& [id, node] : graph.nodes()) {
    if (const auto* resource = std::get_if<Resource>(&node))
      resources.push_back(written(graph, *resource));
    else
      actions.push_back(written(graph, std::get<Action>(node)));
  }
  // Text of the user's may hold bytes that are no UTF-8: they are replaced rather than refused here.
  return Json{{"resources", std::move(resources)}, {"actions", std::move(actions)}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace defang::arm
