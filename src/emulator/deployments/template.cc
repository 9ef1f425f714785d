#include "emulator/deployments/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/deployments/functions.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

std::unexpected<Error> wrong(const std::string& message) {
  return fail(template_error("Deployment template validation failed: '" + message + "'."));
}
std::unexpected<Error> lacking(std::string_view what) {
  return fail(Error::Kind::refused, "EmulatorNotImplemented", fmt::format("The emulator does not implement {}.", what));
}

const Json& member_or_empty(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::object();
  const Json* found = find_member(object, name);
  return found != nullptr ? *found : kEmpty;
}

// --- parameters ---

struct ParameterType {
  std::string_view name, shown;
  bool secure;
  bool (*fits)(const Json&);
};
// "Data types in ARM templates", Microsoft Learn.
constexpr ParameterType kTypes[] = {
    {"array", "Array", false, [](const Json& v) { return v.is_array(); }},
    {"bool", "Bool", false, [](const Json& v) { return v.is_boolean(); }},
    {"int", "Int", false, [](const Json& v) { return v.is_number_integer(); }},
    {"object", "Object", false, [](const Json& v) { return v.is_object(); }},
    {"secureobject", "SecureObject", true, [](const Json& v) { return v.is_object(); }},
    {"securestring", "SecureString", true, [](const Json& v) { return v.is_string(); }},
    {"string", "String", false, [](const Json& v) { return v.is_string(); }},
};

const ParameterType* find_type(std::string_view name) {
  const auto found = std::ranges::find_if(kTypes, [&](const auto& t) { return equals_ignoring_case(t.name, name); });
  return found == std::end(kTypes) ? nullptr : found;
}

Result<void> check_limits(const std::string& name, const Json& declared, const Json& value) {
  const auto refused = [&](const std::string& why) {
    return wrong(fmt::format("The provided value for the template parameter '{}' is not valid. {}", name, why));
  };
  if (const Json* allowed = find_member(declared, "allowedValues"))
    if (std::ranges::find(*allowed, value) == allowed->end())
      return refused(
          fmt::format("The value '{}' is not part of the allowed value(s): '{}'.", dump(value), dump(*allowed)));
  if (value.is_string() || value.is_array()) {
    const auto size =
        static_cast<std::int64_t>(value.is_string() ? value.get_ref<const std::string&>().size() : value.size());
    if (size < integer_at(declared, "minLength"))
      return refused(fmt::format("Length of the value should be greater than or equal to '{}'.",
                                 integer_at(declared, "minLength")));
    if (size > integer_at(declared, "maxLength", size))
      return refused(
          fmt::format("Length of the value should be less than or equal to '{}'.", integer_at(declared, "maxLength")));
  }
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (number < integer_at(declared, "minValue", number) || number > integer_at(declared, "maxValue", number))
      return refused("The value is outside of its limits.");
  }
  return {};
}

Result<Json> parameter_value(const std::string& name, const Json& declared, const Json& given, const Surroundings& in) {
  const Json& sent = member_or_empty(given, name);
  if (const Json* value = find_member(sent, "value"); value != nullptr && !value->is_null()) return *value;
  if (const Json* reference = find_member(sent, "reference"); reference != nullptr && !reference->is_null())
    return lacking("parameters that are read from a vault");
  if (const Json* otherwise = find_member(declared, "defaultValue")) return evaluated(*otherwise, in);
  if (true_at(declared, "nullable")) return Json();
  return wrong(
      fmt::format("The value for the template parameter '{}' is not provided. Please see "
                  "https://aka.ms/arm-create-parameter-file for usage details.",
                  name));
}

Result<void> add_parameters(const Json& source, const Json& given, Surroundings in, std::int64_t now_ms,
                            CheckedTemplate& checked) {
  const Json& declared = member_or_empty(source, "parameters");
  for (const auto& [name, ignored] : given.items())
    if (find_member(declared, name) == nullptr)
      return wrong(
          fmt::format("The following parameters were supplied, but do not correspond to any parameters "
                      "defined in the template: '{}'. The parameters defined in the template are: '{}'.",
                      name, [&] {
                        std::vector<std::string> names;
                        for (const auto& [one, value] : declared.items()) names.push_back(one);
                        return join(names, ", ");
                      }()));
  in.now_ms = now_ms;
  in.variable = nullptr;
  for (const auto& [name, declaration] : declared.items()) {
    const auto* type = find_type(text_at(declaration, "type"));
    if (type == nullptr)
      return declaration.contains("$ref") ? lacking("types that a template defines")
                                          : wrong(fmt::format("The template parameter '{}' has no valid type: '{}'.",
                                                              name, text_at(declaration, "type")));
    TRY_ASSIGN(const auto value, parameter_value(name, declaration, given, in));
    if (!value.is_null() && !type->fits(value))
      return wrong(
          fmt::format("Template parameter JToken type is not valid. Expected '{}'. Actual '{}'. The parameter "
                      "is '{}'",
                      type->shown, value.type_name(), name));
    TRY(check_limits(name, declaration, value));
    checked.values[name] = value;
    checked.parameters[name] = {{"type", type->shown}};
    if (!type->secure) checked.parameters[name]["value"] = value;
  }
  return {};
}

// --- resources ---

/// {scope}/providers/{namespace}/{type}/{name}/{type}/{name}
Result<std::string> id_below(const std::string& scope, const std::string& type, const std::string& name) {
  const auto types = split(type, '/'), names = split(name, '/');
  if (types.size() < 2 || types.size() - 1 != names.size())
    return wrong(
        fmt::format("The template resource '{}' for type '{}' has incorrect segment lengths. A nested resource "
                    "type must have identical number of segments as its resource name.",
                    name, type));
  std::string id = scope + "/providers/" + types[0];
  for (std::size_t i = 0; i < names.size(); ++i) id += "/" + types[i + 1] + "/" + names[i];
  return id;
}

class ResourceReader {
 public:
  ResourceReader(const DeploymentScope& scope, CheckedTemplate& checked, const Surroundings& in)
      : scope_(scope), checked_(checked), in_(in) {}

  Result<void> read(const Json& resources) {
    for (const auto& [key, resource] : resources.items())
      TRY(read_loop(resource, resources.is_object() ? key : "", "", ""));
    for (std::size_t i = 0; i < checked_.resources.size(); ++i) TRY(connect(checked_.resources[i]));
    return check_cycles();
  }

 private:
  /// "Resource iteration": {"copy": {"name": "loop", "count": 3}}.
  Result<void> read_loop(const Json& resource, const std::string& symbol, const std::string& parent_type,
                         const std::string& parent_name) {
    if (!resource.is_object()) return wrong("The template resources must be objects.");
    const Json* loop = find_member(resource, "copy");
    if (loop == nullptr) return read_one(resource, symbol, parent_type, parent_name, in_);
    TRY_ASSIGN(const auto count, evaluated(loop->value("count", Json()), in_));
    const std::string name = text_at(*loop, "name");
    constexpr std::int64_t kMost = 800;  // ARM-110
    if (name.empty() || !count.is_number_integer() || count.get<std::int64_t>() < 0 ||
        count.get<std::int64_t>() > kMost)
      return wrong("The copy loop of a resource needs a name and a count from 0 to 800.");
    for (std::int64_t i = 0; i < count.get<std::int64_t>(); ++i) {
      Surroundings inner = in_;
      inner.loop = to_lower(name);
      inner.loops[inner.loop] = i;
      TRY(read_one(resource, symbol, parent_type, parent_name, inner));
    }
    return {};
  }

  Result<std::string> text(const Json& resource, std::string_view member, const Surroundings& in) const {
    const Json* found = find_member(resource, member);
    if (found == nullptr) return "";
    TRY_ASSIGN(const auto value, evaluated(*found, in));
    if (!value.is_string()) return wrong(fmt::format("The template resource property '{}' must be a string.", member));
    return value.get<std::string>();
  }

  Result<void> read_one(const Json& source, const std::string& symbol, const std::string& parent_type,
                        const std::string& parent_name, const Surroundings& in) {
    TRY_ASSIGN(const bool wanted, condition(source, in));
    TemplateResource resource{.symbol = symbol, .source = source, .loops = in.loops, .loop = in.loop};
    TRY_ASSIGN(resource.type, text(source, "type", in));
    TRY_ASSIGN(resource.name, text(source, "name", in));
    TRY_ASSIGN(resource.api_version, text(source, "apiVersion", in));
    if (!parent_type.empty()) {
      resource.type = parent_type + "/" + resource.type;
      resource.name = parent_name + "/" + resource.name;
    }
    for (const auto& [member, value] :
         {std::pair("type", &resource.type), {"name", &resource.name}, {"apiVersion", &resource.api_version}})
      if (value->empty()) return wrong(fmt::format("The template resource '{}' has no '{}'.", resource.name, member));
    TRY_ASSIGN(resource.id, id_of(resource, source, in));
    resource.existing = true_at(source, "existing");
    if (wanted) {
      if (checked_.find(resource.id) != nullptr)
        return wrong(
            fmt::format("The resource '{}' at line '1' and column '1' is defined multiple times in a template. "
                        "Please see https://aka.ms/arm-syntax-resources for usage details.",
                        resource.id));
      checked_.resources.push_back(resource);
    } else {
      unwanted_.push_back(resource);
    }
    for (const auto& [key, child] : member_or_empty(source, "resources").items())
      TRY(read_loop(child, "", resource.type, resource.name));
    return {};
  }

  static Result<bool> condition(const Json& source, const Surroundings& in) {
    const Json* found = find_member(source, "condition");
    if (found == nullptr) return true;
    TRY_ASSIGN(const auto value, evaluated(*found, in));
    if (!value.is_boolean()) return wrong("The condition of a template resource must be a boolean.");
    return value.get<bool>();
  }

  Result<std::string> id_of(const TemplateResource& resource, const Json& source, const Surroundings& in) const {
    const std::string subscription = "/subscriptions/" + scope_.subscription;
    if (equals_ignoring_case(resource.type, "Microsoft.Resources/resourceGroups"))
      return subscription + "/resourceGroups/" + resource.name;
    TRY_ASSIGN(auto scope, text(source, "scope", in));
    if (!scope.empty() && !scope.starts_with('/')) {
      // Relative to where the deployment is: "Microsoft.KeyVault/vaults/v".
      const auto parts = split(scope, '/');
      if (parts.size() < 3 || parts.size() % 2 == 0) return wrong(fmt::format("The scope '{}' is not valid.", scope));
      scope = scope_.id() + "/providers/" + scope;
    }
    if (scope.empty()) scope = scope_.id();
    if (equals_ignoring_case(resource.type, "Microsoft.Resources/deployments")) {
      TRY_ASSIGN(const auto group, text(source, "resourceGroup", in));
      TRY_ASSIGN(const auto other, text(source, "subscriptionId", in));
      if (!other.empty() && !equals_ignoring_case(other, scope_.subscription))
        return lacking("deployments to another subscription");
      if (!group.empty()) scope = subscription + "/resourceGroups/" + group;
    }
    return id_below(scope, resource.type, resource.name);
  }

  // --- dependencies ---

  Result<void> connect(TemplateResource& resource) {
    Surroundings in = in_;
    in.loops = resource.loops;
    in.loop = resource.loop;
    std::set<std::string> after;
    const Json& written = member_or_empty(resource.source, "dependsOn");
    for (const auto& [key, one] : written.items()) {
      TRY_ASSIGN(const auto value, evaluated(one, in));
      if (!value.is_string()) return wrong("The entries of 'dependsOn' must be strings.");
      TRY_ASSIGN(const auto ids, resolved(value.get<std::string>()));
      after.insert(ids.begin(), ids.end());
    }
    // Implicit: what reference() asks for by its name.
    for (const auto& name : names_referred_to(resource.source, in))
      if (const auto* other = checked_.find(name); other != nullptr && other->id != resource.id)
        after.insert(other->id);
    resource.after.assign(after.begin(), after.end());
    return {};
  }

  static bool names(const TemplateResource& resource, const std::string& wanted) {
    constexpr std::string_view kGroups = "Microsoft.Resources/resourceGroups";
    std::string type_and_name = resource.id.substr(std::min(resource.id.size(), resource.id.rfind("/providers/") + 11));
    if (equals_ignoring_case(resource.type, kGroups)) {
      // subscriptionResourceId() gives groups an id that they do not have; Bicep writes it so.
      type_and_name = fmt::format("{}/{}", kGroups, resource.name);
      if (to_lower(wanted).ends_with("/providers/" + to_lower(type_and_name))) return true;
    }
    return equals_ignoring_case(resource.id, wanted) || equals_ignoring_case(resource.name, wanted) ||
           (!resource.symbol.empty() && equals_ignoring_case(resource.symbol, wanted)) ||
           (!resource.loop.empty() && equals_ignoring_case(resource.loop, wanted)) ||
           equals_ignoring_case(type_and_name, wanted);
  }

  Result<std::vector<std::string>> resolved(const std::string& wanted) const {
    std::vector<std::string> ids;
    for (const auto& resource : checked_.resources)
      if (names(resource, wanted)) ids.push_back(resource.id);
    if (!ids.empty() || std::ranges::any_of(unwanted_, [&](const auto& one) { return names(one, wanted); })) return ids;
    return wrong(
        fmt::format("The resource '{}' is not defined in the template. Please see "
                    "https://aka.ms/arm-syntax for usage details.",
                    wanted));
  }

  Result<void> check_cycles() const {
    std::map<std::string, std::size_t> missing;
    std::map<std::string, std::vector<std::string>> needed_by;
    std::vector<std::string> ready;
    for (const auto& resource : checked_.resources) {
      missing[resource.id] = resource.after.size();
      if (resource.after.empty()) ready.push_back(resource.id);
      for (const auto& other : resource.after) needed_by[other].push_back(resource.id);
    }
    std::size_t placed = 0;
    for (; !ready.empty(); ++placed) {
      const auto id = ready.back();
      ready.pop_back();
      for (const auto& next : needed_by[id])
        if (--missing[next] == 0) ready.push_back(next);
    }
    if (placed == checked_.resources.size()) return {};
    const auto stuck = std::ranges::find_if(missing, [](const auto& entry) { return entry.second > 0; });
    return wrong(
        fmt::format("Circular dependency detected on resource: '{}'. Please see "
                    "https://aka.ms/arm-syntax-resources for usage details.",
                    stuck->first));
  }

  const DeploymentScope& scope_;
  CheckedTemplate& checked_;
  const Surroundings& in_;
  std::vector<TemplateResource> unwanted_;  // whose condition is false; others may still depend on them
};

}  // namespace

std::string DeploymentScope::id() const {
  const std::string below = "/subscriptions/" + subscription;
  return group.is_null() ? below : below + "/resourceGroups/" + text_at(group, "name");
}

const TemplateResource* CheckedTemplate::find(std::string_view name_or_id) const {
  const auto found = std::ranges::find_if(resources, [&](const TemplateResource& one) {
    return equals_ignoring_case(one.id, name_or_id) || equals_ignoring_case(one.name, name_or_id) ||
           (!one.symbol.empty() && equals_ignoring_case(one.symbol, name_or_id));
  });
  return found == resources.end() ? nullptr : &*found;
}

Surroundings surroundings_of(const CheckedTemplate& checked, const DeploymentScope& scope) {
  Surroundings in{
      .subscription = scope.subscription, .tenant = scope.tenant, .group = scope.group, .deployment = scope.deployment};
  const auto look_up = [](const Json& values, const char* kind) {
    return [&values, kind](const std::string& name) -> Result<Json> {
      if (const Json* found = find_member(values, name)) return *found;
      return wrong(
          fmt::format("The template {} '{}' is not found. Please see https://aka.ms/arm-syntax-{}s for usage "
                      "details.",
                      kind, name, kind));
    };
  };
  in.parameter = look_up(checked.values, "parameter");
  in.variable = look_up(checked.variables, "variable");
  return in;
}

Result<CheckedTemplate> check_template(const Json& source, const Json& given, const DeploymentScope& scope) {
  if (!source.is_object()) return wrong("The template is not an object.");
  for (const char* member : {"$schema", "contentVersion", "resources"})
    if (find_member(source, member) == nullptr)
      return wrong(fmt::format("Required property '{}' not found in JSON.", member));
  if (find_member(source, "functions") != nullptr && !find_member(source, "functions")->empty())
    return lacking("functions that a template defines");
  CheckedTemplate checked;
  const Surroundings in = surroundings_of(checked, scope);
  TRY(add_parameters(source, given, in, scope.now_ms, checked));
  // A variable may use another one, which stands before or after it.
  Surroundings in_variables = in;
  const Json& variables = member_or_empty(source, "variables");
  int depth = 0;
  in_variables.variable = [&](const std::string& name) -> Result<Json> {
    constexpr int kDeepest = 50;
    const Json* found = find_member(variables, name);
    if (found == nullptr || depth > kDeepest) return in.variable(name);
    ++depth;
    auto value = evaluated(*found, in_variables);
    --depth;
    return value;
  };
  TRY_ASSIGN(checked.variables, evaluated(variables, in_variables));
  TRY(ResourceReader(scope, checked, in).read(*find_member(source, "resources")));
  checked.outputs = member_or_empty(source, "outputs");
  return checked;
}

Result<Json> body_of(const TemplateResource& resource, Surroundings in) {
  // What the template says about the resource rather than to its provider.
  constexpr auto kAbout = std::to_array<std::string_view>({"type", "apiVersion", "name", "dependsOn", "condition",
                                                           "copy", "comments", "scope", "resources", "resourceGroup",
                                                           "subscriptionId", "existing", "metadata"});
  in.loops = resource.loops;
  in.loop = resource.loop;
  const bool is_deployment = equals_ignoring_case(resource.type, "Microsoft.Resources/deployments");
  // The expressions of a nested template of scope `inner` are its own.
  const bool is_inner =
      is_deployment &&
      equals_ignoring_case(text_at(resource.source, "properties.expressionEvaluationOptions.scope"), "inner");
  Json body = Json::object();
  for (const auto& [key, value] : resource.source.items()) {
    if (std::ranges::any_of(kAbout, [&](std::string_view about) { return equals_ignoring_case(about, key); })) continue;
    if (is_inner && equals_ignoring_case(key, "properties")) {
      Json rest = value;
      rest.erase("template");
      TRY_ASSIGN(body[key], evaluated(rest, in));
      body[key]["template"] = value.value("template", Json());
      continue;
    }
    TRY_ASSIGN(body[key], evaluated(value, in));
  }
  return body;
}

std::string output_name(std::string name) {
  // As a serializer for camel case does: capitals become small until the next one is followed by a small letter.
  const auto is_capital = [&](std::size_t i) { return name[i] >= 'A' && name[i] <= 'Z'; };
  const std::string before = name;
  for (std::size_t i = 0; i < name.size() && before[i] >= 'A' && before[i] <= 'Z'; ++i) {
    if (i > 0 && i + 1 < name.size() && !is_capital(i + 1)) break;
    name[i] = static_cast<char>(name[i] - 'A' + 'a');
  }
  return name;
}

std::string strict_json(std::string_view lenient) {
  std::string out;
  std::size_t i = 0;
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; };
  while (i < lenient.size()) {
    const char c = lenient[i];
    if (c == '"') {
      out += c;
      for (++i; i < lenient.size() && lenient[i] != '"'; ++i) {
        if (lenient[i] == '\\' && i + 1 < lenient.size()) {
          out += lenient[i++];
          out += lenient[i];
        } else if (lenient[i] == '\n') {
          out += "\\n";
        } else if (lenient[i] == '\r') {
          out += "\\r";
        } else if (lenient[i] == '\t') {
          out += "\\t";
        } else {
          out += lenient[i];
        }
      }
      if (i < lenient.size()) out += lenient[i++];
    } else if (lenient.substr(i).starts_with("//")) {
      i = std::min(lenient.find('\n', i), lenient.size());
    } else if (lenient.substr(i).starts_with("/*")) {
      const auto end = lenient.find("*/", i + 2);
      i = end == std::string_view::npos ? lenient.size() : end + 2;
    } else if (is_word(c)) {
      const auto start = i;
      while (i < lenient.size() && is_word(lenient[i])) ++i;
      const auto word = lenient.substr(start, i - start);
      const auto next = lenient.find_first_not_of(" \t\r\n", i);
      const bool is_name = next != std::string_view::npos && lenient[next] == ':';
      out += is_name ? "\"" + std::string(word) + "\"" : std::string(word);
    } else {
      out += c;
      ++i;
    }
  }
  return out;
}

}  // namespace defang::emulator
