#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "arm/template_parts.h"
#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "support/text.h"

namespace defang::arm {
namespace {

using namespace graph;

// Words that mean something where a symbol may stand. "Bicep file structure and syntax".
constexpr auto kReserved =
    std::to_array<std::string_view>({"existing", "false", "for", "if", "import", "module", "null", "output", "param",
                                     "resource", "targetScope", "true", "type", "var"});

bool is_name(std::string_view text) {
  return !text.empty() && identifier(text) == text && !(text[0] >= '0' && text[0] <= '9');
}

/// Inside of single quotes.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' || c == '\'')
      out += '\\', out += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '$' && i + 1 < text.size() && text[i + 1] == '{')
      out += "\\$";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}
std::string in_quotes(std::string_view text) { return "'" + escaped(text) + "'"; }

class BicepWriter {
 public:
  BicepWriter(const ResourceGraph& graph, const TemplateScope& scope) : graph_(graph), scope_(scope) { name_symbols(); }

  std::string write() {
    std::string resources;
    for (const auto& [id, node] : graph_.nodes()) {
      if (const auto* resource = std::get_if<Resource>(&node)) {
        if (resource->type != kGroupType)
          resources += resource->is_outside() ? written_outside(*resource) : written(*resource);
      } else if (const auto* secret = std::get_if<WriteSecret>(&std::get<Action>(node).what)) {
        resources += written(std::get<Action>(node), *secret);
      }
    }
    return "targetScope = 'resourceGroup'\n" + parameters() + resources + outputs();
  }

 private:
  // --- symbols ---

  void name_symbols() {
    for (const auto& [id, node] : graph_.nodes()) {
      auto symbol = identifier(id);
      if (symbol.empty() || (symbol[0] >= '0' && symbol[0] <= '9')) symbol = "_" + symbol;
      while (std::ranges::find(kReserved, symbol) != kReserved.end() || !taken_.insert(to_lower(symbol)).second)
        symbol += "_";
      symbols_[id] = symbol;
    }
  }
  /// Parameters share the symbols' name space.
  std::string parameter(const std::string& name) const {
    return taken_.contains(to_lower(name)) ? name + "_value" : name;
  }

  // --- expressions ---

  std::string expression(const Reference& reference) {
    if (reference.percent_encoded) {
      auto plain = reference;
      plain.percent_encoded = false;
      return "uriComponent(" + expression(plain) + ")";
    }
    if (reference.kind == Reference::Kind::output) return output_of(*graph_.action(reference.node), reference.path);
    const auto& resource = *graph_.resource(reference.node);
    if (resource.type == kGroupType)
      return "resourceGroup()." + (reference.kind == Reference::Kind::property ? reference.path
                                   : reference.kind == Reference::Kind::name   ? "name"
                                                                               : "id");
    const auto& symbol = symbols_.at(reference.node);
    switch (reference.kind) {
      case Reference::Kind::id:
        return symbol + ".id";
      case Reference::Kind::name:
        return in_quotes(resource.name);  // of a child, `name` would be the last part only
      case Reference::Kind::list:
        return fmt::format("{}.{}().{}", symbol, template_function(reference.function), reference.path);
      default:
        return symbol + "." + reference.path;
    }
  }

  std::string output_of(const Action& action, const std::string& output) {
    if (std::holds_alternative<BuildImage>(action.what)) return parameter(parameters_.image_of(action));
    if (const auto* await = std::get_if<AwaitRevision>(&action.what))
      return symbols_.at(await->app) + ".properties.configuration.ingress.fqdn";
    const auto* secret = std::get_if<WriteSecret>(&action.what);
    if (!secret) return "0";  // exit code of a job that has run
    if (output == "value") return value_of(*secret);
    const auto uri = symbols_.at(action.id) + ".properties.secretUriWithVersion";
    return output == "version" ? "last(split(" + uri + ", '/'))" : uri;
  }

  std::string value_of(const WriteSecret& secret) {
    if (const auto* composed = std::get_if<ComposedRecipe>(&secret.recipe)) return text(composed->pieces);
    return parameter(parameters_.value_of(secret));
  }

  std::string text(const Value::Text& pieces) {
    if (pieces.size() == 1) {
      if (const auto* reference = std::get_if<Reference>(&pieces[0])) return expression(*reference);
      return literal(std::get<std::string>(pieces[0]));
    }
    std::string inside;
    for (const auto& piece : pieces) {
      if (const auto* part = std::get_if<std::string>(&piece))
        inside += escaped(*part);
      else
        inside += "${" + expression(std::get<Reference>(piece)) + "}";
    }
    return "'" + inside + "'";
  }

  /// Ids of this subscription and the tenant are said relatively.
  std::string relative(const std::string& literal) const {
    if (!scope_.tenant_id.empty() && literal == scope_.tenant_id) return "subscription().tenantId";
    if (scope_.subscription_id.empty() || !literal.starts_with("/subscriptions/")) return "";
    const auto id = azure::ResourceId::parse(literal);
    if (!id || !equals_ignoring_case(id->subscription_id(), scope_.subscription_id)) return "";
    const bool is_ours = equals_ignoring_case(id->group_name(), scope_.group);
    if (!is_ours && !id->group_name().empty()) return "";
    if (is_ours)
      for (const auto& [node, value] : graph_.nodes())
        if (const auto* resource = std::get_if<Resource>(&value);
            resource && resource->scope.empty() && resource->type == id->type() && resource->name == id->name())
          return symbols_.at(node) + ".id";
    std::string call = (is_ours ? "resourceId(" : "subscriptionResourceId(") + in_quotes(id->type());
    for (const auto& part : split(id->name(), '/')) call += ", " + in_quotes(part);
    return call + ")";
  }
  std::string literal(const std::string& value) const {
    const auto expression = relative(value);
    return expression.empty() ? in_quotes(value) : expression;
  }
  std::string key(const std::string& name) const {
    if (const auto expression = relative(name); !expression.empty()) return "'${" + expression + "}'";
    return is_name(name) ? name : in_quotes(name);
  }

  // --- values ---

  std::string value(const Value& value, const std::string& indent) {
    const auto inner = indent + "  ";
    if (const auto* pieces = value.get_if<Value::Text>()) return pieces->empty() ? "''" : text(*pieces);
    if (const auto* list = value.get_if<Value::List>()) {
      if (list->empty()) return "[]";
      std::string lines;
      for (const auto& item : *list) lines += inner + this->value(item, inner) + "\n";
      return "[\n" + lines + indent + "]";
    }
    if (const auto* map = value.get_if<Value::Map>()) {
      if (map->empty()) return "{}";
      std::string lines;
      for (const auto& [name, item] : *map)
        lines += fmt::format("{}{}: {}\n", inner, key(name), this->value(item, inner));
      return "{\n" + lines + indent + "}";
    }
    if (const auto* flag = value.get_if<bool>()) return *flag ? "true" : "false";
    if (const auto* integer = value.get_if<std::int64_t>()) return std::to_string(*integer);
    // Bicep has no literals for numbers with a fraction. "Data types in Bicep".
    if (const auto* number = value.get_if<double>()) return fmt::format("json('{}')", *number);
    return "null";
  }

  // --- resources ---

  /// The resource that a child stands below, where it is part of the plan.
  const Resource* parent_of(const std::string& type, const std::string& name) const {
    const auto slash = type.rfind('/'), cut = name.rfind('/');
    if (cut == std::string::npos) return nullptr;
    for (const auto& [id, node] : graph_.nodes())
      if (const auto* resource = std::get_if<Resource>(&node);
          resource && resource->type == type.substr(0, slash) && resource->name == name.substr(0, cut))
        return resource;
    return nullptr;
  }

  template <class Node>
  static std::string comment(const Node& node) {
    const auto place = node.origin.text();
    if (place.empty() && node.because.empty()) return "";
    return "// " + place + (place.empty() || node.because.empty() ? "" : ": ") + replace_all(node.because, "\n", " ") +
           "\n";
  }

  std::string head(const std::string& symbol, std::string_view type, std::string_view version, const std::string& name,
                   std::set<std::string>& implied) {
    std::string lines = fmt::format("resource {} '{}@{}' = {{\n", symbol, type, version);
    const auto* parent = parent_of(std::string(type), name);
    if (parent) {
      implied.insert(parent->id);
      lines += "  parent: " + symbols_.at(parent->id) + "\n";
    }
    return lines + "  name: " + in_quotes(parent ? name.substr(name.rfind('/') + 1) : name) + "\n";
  }

  /// What no expression says already.
  std::string depends_on(const std::string& id, const std::set<std::string>& implied) const {
    std::string lines;
    for (const auto& node : needed_nodes(graph_, id))
      if (!implied.contains(node)) lines += "    " + symbols_.at(node) + "\n";
    return lines.empty() ? "" : "  dependsOn: [\n" + lines + "  ]\n";
  }

  std::set<std::string> implied_by(const Resource& resource) const {
    std::set<std::string> implied;
    for_each_reference(resource.body, [&](const Reference& one) {
      // Of images and of names nothing remains; of what waits for an app, the app.
      if (one.kind != Reference::Kind::name) implied.insert(one.node);
      if (const auto* action = graph_.action(one.node))
        if (const auto* await = std::get_if<AwaitRevision>(&action->what)) implied.insert(await->app);
    });
    return implied;
  }

  /// As in the template: a module would have to be a file of its own.
  std::string written_outside(const Resource& resource) {
    const auto version = azure::find_resource_type(kDeploymentType)->api_version;
    auto implied = implied_by(resource);
    return "\n" + comment(resource) + head(symbols_.at(resource.id), kDeploymentType, version, resource.name, implied) +
           fmt::format("  resourceGroup: {}\n  properties: {}\n", in_quotes(group_of(resource)),
                       value(nested_deployment(resource), "  ")) +
           depends_on(resource.id, implied) + "}\n";
  }

  std::string written(const Resource& resource) {
    auto implied = implied_by(resource);
    std::string lines = "\n" + comment(resource) +
                        head(symbols_.at(resource.id), resource.type, resource.api_version, resource.name, implied);
    if (!resource.scope.empty()) {
      const auto* about = graph_.resource(resource.scope);
      if (about->type != kGroupType) lines += "  scope: " + symbols_.at(resource.scope) + "\n";
      implied.insert(resource.scope);
    }
    if (const auto* members = resource.body.get_if<Value::Map>())
      for (const auto& [name, item] : *members) lines += fmt::format("  {}: {}\n", key(name), value(item, "  "));
    return lines + depends_on(resource.id, implied) + "}\n";
  }

  std::string written(const Action& action, const WriteSecret& secret) {
    std::set<std::string> implied;
    if (const auto* composed = std::get_if<ComposedRecipe>(&secret.recipe))
      for_each_reference(Value(composed->pieces), [&](const Reference& one) {
        const auto* other = graph_.action(one.node);
        if (!other || !std::holds_alternative<WriteSecret>(other->what)) implied.insert(one.node);
      });
    const auto name = graph_.resource(secret.vault)->name + "/" + secret.name;
    std::string lines =
        "\n" + comment(action) +
        head(symbols_.at(action.id), kSecretType, azure::find_resource_type(kSecretType)->api_version, name, implied);
    lines += "  tags: " + value(secret_tags(graph_, secret), "  ") + "\n";
    lines += "  properties: {\n    value: " + value_of(secret) + "\n  }\n";
    return lines + depends_on(action.id, implied) + "}\n";
  }

  // --- around them ---

  std::string parameters() const {
    std::string lines;
    for (const auto& one : parameters_.all())
      lines += fmt::format("\n{}@description({})\nparam {} string\n", one.is_secret ? "@secure()\n" : "",
                           in_quotes(one.description), parameter(one.name));
    return lines;
  }

  std::string outputs() const {
    std::string lines;
    std::size_t count = 0;
    for (const auto& [id, node] : graph_.nodes()) {
      const auto* resource = std::get_if<Resource>(&node);
      const auto name = resource ? url_output(*resource) : "";
      if (name.empty() || ++count > kMostOutputs) continue;
      lines += fmt::format("\noutput {} string = 'https://${{{}.properties.configuration.ingress.fqdn}}'\n", name,
                           symbols_.at(id));
    }
    return lines;
  }

  const ResourceGraph& graph_;
  const TemplateScope& scope_;
  TemplateParameters parameters_;
  std::map<std::string, std::string> symbols_;  // by node
  std::set<std::string> taken_;
};

}  // namespace

std::string to_bicep(const ResourceGraph& graph, const TemplateScope& scope) {
  return BicepWriter(graph, scope).write();
}

}  // namespace defang::arm
