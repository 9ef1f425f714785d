#include "arm/template_parts.h"

#include "azure/resource_id.h"
#include "support/text.h"

namespace defang::arm {

using namespace graph;

std::string identifier(std::string_view text) {
  std::string name(text);
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  return name;
}

const std::string& TemplateParameters::name_of(const std::string& wanted, bool is_secret,
                                               const std::string& description) {
  for (auto name = identifier(wanted);; name += "_") {
    const auto [entry, is_new] = by_name_.emplace(to_lower(name), all_.size());
    if (is_new) all_.push_back({name, is_secret, description});
    if (all_[entry->second].description == description) return all_[entry->second].name;
  }
}

const std::string& TemplateParameters::image_of(const Action& build) {
  return name_of("image_" + build.service, false, "image of service " + build.service);
}

const std::string& TemplateParameters::value_of(const WriteSecret& secret) {
  if (const auto* config = std::get_if<ConfigRecipe>(&secret.recipe))
    return name_of("config_" + config->name, true, "value of config " + config->name);
  if (const auto* login = std::get_if<LoginRecipe>(&secret.recipe))
    return name_of("password_" + login->server, true,
                   "password of " + login->user + " at the registry " + login->server);
  const bool is_file = std::holds_alternative<FileRecipe>(secret.recipe);
  return name_of("secret_" + secret.name, true,
                 (is_file ? "content of the file in secret " : "generated secret ") + secret.name);
}

std::set<std::string> needed_nodes(const ResourceGraph& graph, const std::string& id) {
  std::set<std::string> nodes;
  for (const auto& edge : graph.edges_of(id)) {
    if (const auto* resource = graph.resource(edge.node)) {
      if (resource->type != kGroupType) nodes.insert(edge.node);
    } else if (const auto& what = graph.action(edge.node)->what; std::holds_alternative<WriteSecret>(what)) {
      nodes.insert(edge.node);
    } else if (!std::holds_alternative<BuildImage>(what)) {
      nodes.merge(needed_nodes(graph, edge.node));
    }
  }
  return nodes;
}

Value secret_tags(const ResourceGraph& graph, const WriteSecret& secret) {
  if (const auto* config = std::get_if<ConfigRecipe>(&secret.recipe))
    return Value(Value::Map{{"defang-config", config->name}});
  if (const auto* login = std::get_if<LoginRecipe>(&secret.recipe))
    return Value(Value::Map{{"defang-registry", login->server}, {"defang-registry-user", login->user}});
  const auto* tags = graph.resource(secret.vault)->body.find("tags");
  return tags ? *tags : Value(Value::Map{});
}

std::string group_of(const Resource& outside_role) {
  return azure::ResourceId::parse(outside_role.scope)->group_name();
}

Value nested_deployment(const Resource& outside_role) {
  Value::Map inner = {{"type", outside_role.type},
                      {"apiVersion", outside_role.api_version},
                      {"name", outside_role.name},
                      {"scope", outside_role.scope}};
  for (const auto& member : *outside_role.body.get_if<Value::Map>()) inner.push_back(member);
  return Value::Map{{"mode", "Incremental"},
                    {"template", Value::Map{{"$schema", kTemplateSchema},
                                            {"contentVersion", "1.0.0.0"},
                                            {"resources", Value::List{std::move(inner)}}}}};
}

std::string url_output(const Resource& resource) {
  const Value* found = &resource.body;
  for (const char* member : {"properties", "configuration", "ingress"})
    if (found) found = found->find(member);
  const auto* external = found ? found->find("external") : nullptr;
  if (!external || *external != Value(true)) return "";
  if (const auto* transport = found->find("transport"); transport && *transport == Value("tcp")) return "";
  return "url_" + identifier(resource.service);
}

std::string_view template_function(std::string_view function) {
  return function == "sharedKeys" ? "listKeys" : function;
}

}  // namespace defang::arm
