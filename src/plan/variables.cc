#include "plan/variables.h"

#include <algorithm>
#include <array>

#include "azure/names.h"
#include "azure/resource_types.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;

constexpr std::string_view kHidden = "*****";

/// Ends of names whose values nobody shows; the same words as keys of lists of settings.
constexpr auto kSecretWords = std::to_array<std::string_view>(
    {"access_key", "api_key", "apikey", "key", "pass", "passwd", "password", "pwd", "secret", "token"});

bool is_secret_name(std::string_view name) {
  const auto lower = to_lower(name);
  return std::ranges::any_of(kSecretWords, [&](std::string_view word) { return lower.ends_with(word); });
}

bool is_reference(std::string_view text) { return text.empty() || text.starts_with("${") || text.starts_with("<"); }

/// user:password@ of every URL.
void hide_in_urls(std::string& text) {
  for (auto at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const auto begin = at + 3;
    const auto end = std::min(text.find_first_of("/?# \"'", begin), text.size());
    const auto host = text.rfind('@', end);
    const auto colon = text.find(':', begin);
    if (host == std::string::npos || host < begin || colon == std::string::npos || colon > host) continue;
    if (!is_reference(std::string_view(text).substr(colon + 1))) text.replace(colon + 1, host - colon - 1, kHidden);
  }
}

/// password=..., in queries and lists of settings.
void hide_settings(std::string& text) {
  for (auto equals = text.find('='); equals != std::string::npos; equals = text.find('=', equals + 1)) {
    auto begin = equals;
    while (begin > 0 && std::string_view(" ;,&?'\"").find(text[begin - 1]) == std::string_view::npos) --begin;
    if (!is_secret_name(std::string_view(text).substr(begin, equals - begin))) continue;
    const auto end = std::min(text.find_first_of(" ;,&\"", equals + 1), text.size());
    if (!is_reference(std::string_view(text).substr(equals + 1, end - equals - 1)))
      text.replace(equals + 1, end - equals - 1, kHidden);
  }
}

class Reader {
 public:
  Reader(const graph::ResourceGraph& graph, const compose::Project& project) : graph_(graph), project_(project) {}

  std::vector<PlannedVariable> read() {
    for (const auto& [id, node] : graph_.nodes())
      if (const auto* resource = std::get_if<graph::Resource>(&node)) read_workload(*resource);
    std::ranges::stable_sort(variables_, {}, &PlannedVariable::service);
    return std::move(variables_);
  }

 private:
  void read_workload(const graph::Resource& resource) {
    const auto* properties = resource.body.find("properties");
    const auto* body = properties ? properties->find("template") : nullptr;
    const auto* containers = body ? body->find("containers") : nullptr;
    if (!containers || !containers->get_if<Value::List>()) return;
    auto service = resource.service;
    for (const auto& container : *containers->get_if<Value::List>()) {
      if (&container != &containers->get_if<Value::List>()->front()) service = service_of(container);
      const auto* environment = container.find("env");
      if (!environment) continue;
      for (const auto& variable : *environment->get_if<Value::List>()) read_variable(service, variable);
    }
  }

  std::string service_of(const Value& container) const {
    const auto name = shown(*container.find("name")->get_if<Value::Text>());
    const auto& type = *azure::find_resource_type("Microsoft.App/containerApps");
    for (const auto& [service, definition] : project_.services)
      if (azure::legal_name(type, service, service) == name) return service;
    return name;
  }

  void read_variable(const std::string& service, const Value& variable) {
    const auto name = shown(*variable.find("name")->get_if<Value::Text>());
    const auto* value = variable.find("value");
    const auto* secret = variable.find("secretRef");
    variables_.push_back({service, name,
                          redacted(name, value    ? shown(*value->get_if<Value::Text>())
                                         : secret ? behind(*secret)
                                                  : "")});
  }

  /// The name of an app's secret ends in the version of the vault's: so it says which action writes it.
  std::string behind(const Value& secret) const {
    std::string text;
    for_each_reference(secret, [&](const Reference& reference) { text = recipe_of(reference.node); });
    return text;
  }

  std::string recipe_of(const std::string& node) const {
    const auto* action = graph_.action(node);
    const auto* secret = action ? std::get_if<graph::WriteSecret>(&action->what) : nullptr;
    if (!secret) return "<" + node + ">";
    if (const auto* config = std::get_if<graph::ConfigRecipe>(&secret->recipe)) return "${" + config->name + "}";
    if (const auto* composed = std::get_if<graph::ComposedRecipe>(&secret->recipe)) return shown(composed->pieces);
    return "<password of " + (action->service.empty() ? node : action->service) + ">";
  }

  std::string shown(const Value::Text& text) const {
    std::string all;
    for (const auto& piece : text) {
      const auto* reference = std::get_if<Reference>(&piece);
      all += reference ? shown(*reference) : std::get<std::string>(piece);
    }
    return all;
  }

  std::string shown(const Reference& reference) const {
    if (reference.kind == Reference::Kind::output && reference.path == "value") return recipe_of(reference.node);
    const auto* resource = graph_.resource(reference.node);
    const auto owner = resource && !resource->service.empty() ? resource->service : reference.node;
    const auto what = reference.kind == Reference::Kind::id     ? "id"
                      : reference.kind == Reference::Kind::name ? "name"
                                                                : reference.path.substr(reference.path.rfind('.') + 1);
    return "<" + what + " of " + owner + ">";
  }

  const graph::ResourceGraph& graph_;
  const compose::Project& project_;
  std::vector<PlannedVariable> variables_;
};

}  // namespace

std::vector<PlannedVariable> variables_of(const graph::ResourceGraph& graph, const compose::Project& project) {
  return Reader(graph, project).read();
}

std::string redacted(std::string_view name, std::string text) {
  if (is_secret_name(name)) return is_reference(text) ? text : std::string(kHidden);
  hide_in_urls(text);
  hide_settings(text);
  return text;
}

}  // namespace defang::plan
