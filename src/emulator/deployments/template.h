#pragma once

#include <functional>
#include <string>
#include <vector>

#include "emulator/deployments/expression.h"

namespace defang::emulator {

/// Where a deployment happens: "/subscriptions/s" or "/subscriptions/s/resourceGroups/g".
struct DeploymentScope {
  std::string subscription;
  std::string tenant;
  Json group;  // body of the resource group; null at subscription scope
  Json deployment;
  std::int64_t now_ms = 0;
  std::string id() const;
};

/// One resource that a template asks for, after loops and conditions.
struct TemplateResource {
  std::string id;
  std::string type;
  std::string name;
  std::string api_version;
  std::string symbol;              // its symbolic name; empty: the template has none
  Json source;                     // as it stands there
  std::vector<std::string> after;  // ids of the same template
  bool existing = false;           // only referred to
  std::map<std::string, std::int64_t> loops;
  std::string loop;
};

struct CheckedTemplate {
  Json parameters = Json::object();  // {"name": {"type": "String", "value": ...}}; secure ones without value
  Json values = Json::object();      // all of them, secrets too
  Json variables = Json::object();
  std::vector<TemplateResource> resources;
  Json outputs = Json::object();  // as they stand in the template

  const TemplateResource* find(std::string_view name_or_id) const;
};

/// What ARM checks before it deploys anything: parameters, names, loops, dependencies. `given` holds
/// {"name": {"value": ...}}. Errors: InvalidTemplate and the like.
Result<CheckedTemplate> check_template(const Json& source, const Json& given, const DeploymentScope& scope);

/// For expressions of the template; what asks the world is empty.
Surroundings surroundings_of(const CheckedTemplate& checked, const DeploymentScope& scope);

/// The request that deploys a resource: id and body. `in` can ask the world.
Result<Json> body_of(const TemplateResource& resource, Surroundings in);

/// "WEBSITE_URL" comes back as "websitE_URL" (wire facts, deployments).
std::string output_name(std::string name);

/// Templates may hold comments, texts of several lines, and azure-cli sends `template:` without quotes.
std::string strict_json(std::string_view lenient);

}  // namespace defang::emulator
