#include "arm/template.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "arm/template_parts.h"
#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "support/text.h"

namespace defang::arm {
namespace {

using namespace graph;
using Json = nlohmann::ordered_json;

/// Inside an expression: 'it''s'.
std::string in_quotes(std::string_view text) { return "'" + replace_all(std::string(text), "'", "''") + "'"; }

/// Outside of expressions: a text that looks like one starts with "[[". "[a] b" is none. "Template syntax, escape
/// characters".
std::string escaped(const std::string& text) {
  return text.starts_with('[') && text.ends_with(']') ? "[" + text : text;
}

/// "resourceId('Microsoft.App/jobs', 'a')", with one name for each part of the type.
std::string id_call(std::string_view function, std::string_view type, std::string_view name) {
  std::string call = fmt::format("{}({}", function, in_quotes(type));
  for (const auto& part : split(name, '/')) call += ", " + in_quotes(part);
  return call + ")";
}

class TemplateWriter {
 public:
  TemplateWriter(const ResourceGraph& graph, const TemplateScope& scope) : graph_(graph), scope_(scope) {}

  std::string write() {
    for (const auto& [id, node] : graph_.nodes()) {
      if (const auto* resource = std::get_if<Resource>(&node)) {
        if (resource->type == kGroupType) continue;
        resources_.push_back(resource->is_outside() ? written_outside(*resource) : written(*resource));
        add_output(*resource);
      } else if (const auto* secret = std::get_if<WriteSecret>(&std::get<Action>(node).what)) {
        resources_.push_back(written(std::get<Action>(node), *secret));
      }
    }
    Json parameters = Json::object();
    for (const auto& one : parameters_.all())
      parameters[one.name] = {{"type", one.is_secret ? "securestring" : "string"},
                              {"metadata", {{"description", one.description}}}};
    Json document = {{"$schema", kTemplateSchema}, {"contentVersion", "1.0.0.0"}};
    document["parameters"] = std::move(parameters);
    document["resources"] = std::move(resources_);
    document["outputs"] = std::move(outputs_);
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

  const std::vector<TemplateParameter>& parameters() const { return parameters_.all(); }

 private:
  // --- expressions, without their brackets ---

  std::string id_of(const Resource& resource) const {
    if (resource.type == kGroupType) return "resourceGroup().id";
    if (resource.is_outside())
      return fmt::format("resourceId({}, {}, {})", in_quotes(group_of(resource)), in_quotes(kDeploymentType),
                         in_quotes(resource.name));
    if (!resource.scope.empty()) {
      const auto* about = graph_.resource(resource.scope);
      return fmt::format("extensionResourceId({}, {}, {})", id_of(*about), in_quotes(resource.type),
                         in_quotes(resource.name));
    }
    return id_call("resourceId", resource.type, resource.name);
  }

  std::string secret_id(const WriteSecret& secret) const {
    return id_call("resourceId", kSecretType, graph_.resource(secret.vault)->name + "/" + secret.name);
  }

  /// "reference(id, 'version').loginServer": `path` starts with "properties." or is about the whole resource.
  static std::string property_of(const std::string& id, std::string_view version, std::string_view path) {
    constexpr std::string_view kProperties = "properties.";
    if (path.starts_with(kProperties))
      return fmt::format("reference({}, {}).{}", id, in_quotes(version), path.substr(kProperties.size()));
    return fmt::format("reference({}, {}, 'Full').{}", id, in_quotes(version), path);
  }

  std::string expression(const Reference& reference) {
    if (reference.percent_encoded) {
      auto plain = reference;
      plain.percent_encoded = false;
      return "uriComponent(" + expression(plain) + ")";
    }
    if (reference.kind == Reference::Kind::output) return output_of(*graph_.action(reference.node), reference.path);
    const auto& resource = *graph_.resource(reference.node);
    switch (reference.kind) {
      case Reference::Kind::id:
        return id_of(resource);
      case Reference::Kind::name:
        return in_quotes(resource.name);
      case Reference::Kind::list:
        return fmt::format("{}({}, {}).{}", template_function(reference.function), id_of(resource),
                           in_quotes(resource.api_version), reference.path);
      default:
        return property_of(id_of(resource), resource.api_version, reference.path);
    }
  }

  std::string output_of(const Action& action, const std::string& output) {
    if (std::holds_alternative<BuildImage>(action.what)) return parameter(parameters_.image_of(action));
    if (const auto* secret = std::get_if<WriteSecret>(&action.what)) return output_of(*secret, output);
    if (const auto* await = std::get_if<AwaitRevision>(&action.what)) {
      const auto& app = *graph_.resource(await->app);
      return property_of(id_of(app), app.api_version, "properties.configuration.ingress.fqdn");
    }
    return "0";  // exit code of a job that has run
  }

  std::string output_of(const WriteSecret& secret, const std::string& output) {
    if (output == "value") return value_of(secret);
    const auto uri = property_of(secret_id(secret), secret_version(), "properties.secretUriWithVersion");
    return output == "version" ? fmt::format("last(split({}, '/'))", uri) : uri;
  }

  std::string value_of(const WriteSecret& secret) {
    if (const auto* composed = std::get_if<ComposedRecipe>(&secret.recipe)) return expression(composed->pieces);
    return parameter(parameters_.value_of(secret));
  }

  std::string expression(const Value::Text& text) {
    if (text.empty()) return "''";
    std::vector<std::string> parts;
    for (const auto& piece : text) {
      if (const auto* literal = std::get_if<std::string>(&piece))
        parts.push_back(in_quotes(*literal));
      else
        parts.push_back(expression(std::get<Reference>(piece)));
    }
    return parts.size() == 1 ? parts[0] : "concat(" + join(parts, ", ") + ")";
  }

  // --- values ---

  /// Ids of this subscription and the tenant are said relatively.
  std::string written(const std::string& literal) const {
    if (!scope_.tenant_id.empty() && literal == scope_.tenant_id) return "[subscription().tenantId]";
    if (scope_.subscription_id.empty() || !literal.starts_with("/subscriptions/")) return escaped(literal);
    const auto id = azure::ResourceId::parse(literal);
    if (!id || !equals_ignoring_case(id->subscription_id(), scope_.subscription_id)) return escaped(literal);
    if (id->group_name().empty()) return "[" + id_call("subscriptionResourceId", id->type(), id->name()) + "]";
    if (equals_ignoring_case(id->group_name(), scope_.group))
      return "[" + id_call("resourceId", id->type(), id->name()) + "]";
    return literal;
  }

  Json written_value(const Value& value) {
    if (const auto* text = value.get_if<Value::Text>()) {
      if (text->empty()) return "";
      if (text->size() == 1 && std::holds_alternative<std::string>((*text)[0]))
        return written(std::get<std::string>((*text)[0]));
      return "[" + expression(*text) + "]";
    }
    if (const auto* list = value.get_if<Value::List>()) {
      Json json = Json::array();
      for (const auto& item : *list) json.push_back(written_value(item));
      return json;
    }
    if (const auto* map = value.get_if<Value::Map>()) {
      Json json = Json::object();
      for (const auto& [key, item] : *map) json[written(key)] = written_value(item);
      return json;
    }
    return to_json_with_references(value);
  }

  // --- resources ---

  Json written(const Resource& resource) {
    Json json = {{"type", resource.type}, {"apiVersion", resource.api_version}, {"name", resource.name}};
    if (!resource.scope.empty()) json["scope"] = "[" + id_of(*graph_.resource(resource.scope)) + "]";
    if (auto depends = depends_on(resource.id); !depends.empty()) json["dependsOn"] = std::move(depends);
    json.update(written_value(resource.body));
    return json;
  }

  Json written_outside(const Resource& resource) {
    return {{"type", kDeploymentType},
            {"apiVersion", azure::find_resource_type(kDeploymentType)->api_version},
            {"name", resource.name},
            {"resourceGroup", group_of(resource)},
            {"dependsOn", depends_on(resource.id)},
            {"properties", written_value(nested_deployment(resource))}};
  }

  Json written(const Action& action, const WriteSecret& secret) {
    return {{"type", kSecretType},
            {"apiVersion", secret_version()},
            {"name", graph_.resource(secret.vault)->name + "/" + secret.name},
            {"dependsOn", depends_on(action.id)},
            {"tags", written_value(secret_tags(graph_, secret))},
            {"properties", {{"value", "[" + value_of(secret) + "]"}}}};
  }

  Json depends_on(const std::string& id) {
    std::set<std::string> ids;
    for (const auto& node : needed_nodes(graph_, id)) {
      const auto* resource = graph_.resource(node);
      ids.insert("[" + (resource ? id_of(*resource) : secret_id(std::get<WriteSecret>(graph_.action(node)->what))) +
                 "]");
    }
    return Json(ids);
  }

  void add_output(const Resource& resource) {
    const auto name = url_output(resource);
    if (name.empty() || outputs_.size() >= kMostOutputs) return;
    const auto host = property_of(id_of(resource), resource.api_version, "properties.configuration.ingress.fqdn");
    outputs_[name] = {{"type", "string"}, {"value", "[concat('https://', " + host + ")]"}};
  }

  static std::string parameter(const std::string& name) { return "parameters(" + in_quotes(name) + ")"; }

  static std::string_view secret_version() { return azure::find_resource_type(kSecretType)->api_version; }

  const ResourceGraph& graph_;
  const TemplateScope& scope_;
  TemplateParameters parameters_;
  Json resources_ = Json::array();
  Json outputs_ = Json::object();
};

}  // namespace

std::string to_template(const ResourceGraph& graph, const TemplateScope& scope) {
  return TemplateWriter(graph, scope).write();
}

std::vector<TemplateParameter> template_parameters(const ResourceGraph& graph) {
  const TemplateScope anywhere;
  TemplateWriter writer(graph, anywhere);
  writer.write();
  return writer.parameters();
}

}  // namespace defang::arm
