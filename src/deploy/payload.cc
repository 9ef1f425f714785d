#include "deploy/payload.h"

#include <nlohmann/json.hpp>

#include "arm/graph_json.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 2;

Json written(const PackedContexts& contexts) {
  Json json = Json::object();
  for (const auto& [node, context] : contexts)
    json[node] = {{"tag", context.tag}, {"dockerfile", context.dockerfile}, {"buildkit", context.needs_buildkit}};
  return json;
}

Json written(const std::optional<TeardownOptions>& down) {
  return down ? Json{{"keepVault", down->keep_vault}, {"keepData", down->keep_data}} : Json();
}

Payload read(const Json& json, graph::ResourceGraph graph) {
  Payload payload;
  auto& prepared = payload.prepared;
  prepared.graph = std::move(graph);
  const Json& scope = json.at("scope");
  prepared.scope = {scope.at("project"), scope.at("stack"), scope.at("subscription"), scope.at("group"),
                    scope.at("location")};
  prepared.names = {json.at("vault"), json.at("storage")};
  prepared.fingerprint = json.at("fingerprint");
  prepared.images = images_of(json.at("images"));
  prepared.registries = registries_of(json.at("registries"));
  for (const auto& [service, seconds] : json.at("patienceSeconds").items())
    prepared.patience[service] = std::chrono::seconds(seconds.get<std::int64_t>());
  prepared.may_stop = json.at("mayStop").get<std::set<std::string>>();
  payload.options = {.force = json.at("force"),
                     .rebuild = json.at("rebuild"),
                     .is_part = json.at("isPart"),
                     .delete_data = json.at("deleteData").get<std::set<std::string>>(),
                     .keeps_events = false,
                     .gave_rights = json.at("gaveRights")};
  for (const auto& [node, context] : json.at("contexts").items())
    payload.contexts[node] = {context.at("tag"), context.at("dockerfile"), context.at("buildkit")};
  if (const Json& down = json.at("down"); !down.is_null())
    payload.down = {.scope = prepared.scope, .keep_vault = down.at("keepVault"), .keep_data = down.at("keepData")};
  return payload;
}

}  // namespace

std::string write_payload(const Payload& payload) {
  const auto& prepared = payload.prepared;
  Json patience = Json::object();
  for (const auto& [service, time] : prepared.patience) patience[service] = time.count();
  return Json{{"v", kVersion},
              {"scope",
               {{"project", prepared.scope.project},
                {"stack", prepared.scope.stack},
                {"subscription", prepared.scope.subscription},
                {"group", prepared.scope.group},
                {"location", prepared.scope.location}}},
              {"vault", prepared.names.vault},
              {"storage", prepared.names.storage},
              {"fingerprint", prepared.fingerprint},
              {"images", images_json(prepared.images)},
              {"registries", registries_json(prepared.registries)},
              {"patienceSeconds", std::move(patience)},
              {"mayStop", prepared.may_stop},
              {"deleteData", payload.options.delete_data},
              {"force", payload.options.force},
              {"rebuild", payload.options.rebuild},
              {"isPart", payload.options.is_part},
              {"gaveRights", payload.options.gave_rights},
              {"contexts", written(payload.contexts)},
              {"down", written(payload.down)},
              {"graph", Json::parse(arm::write_graph(prepared.graph))}}
      .dump();
}

Result<Payload> read_payload(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("v") == kVersion) {
      TRY_ASSIGN(auto graph, arm::read_graph(json.at("graph").dump()));
      return read(json, std::move(graph));
    }
  } catch (const Json::exception&) {
  }
  return fail(Error::Kind::invalid, "payload-invalid",
              "the run's payload cannot be read; another version of this program may have written it");
}

}  // namespace defang::deploy
