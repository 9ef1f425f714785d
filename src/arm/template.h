#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "support/result.h"

namespace defang::arm {

/// Fills references in. `resolve` gives the JSON value of one reference; a text of several pieces becomes one string.
using Resolve = std::function<Result<nlohmann::ordered_json>(const graph::Reference&)>;
Result<nlohmann::ordered_json> to_json(const graph::Value& value, const Resolve& resolve);

/// Stable JSON of a body whose references are written as `{"$ref": "node", ...}`: for hashes and for `plan --format
/// json`.
nlohmann::ordered_json to_json_with_references(const graph::Value& value);

/// What the plan wrote out in full and the template says relatively, so that it deploys anywhere: ids in this
/// subscription and group become resourceId() expressions, the tenant becomes subscription().tenantId.
struct TemplateScope {
  std::string subscription_id;
  std::string tenant_id;
  std::string group;
};

/// A complete deployment template at the scope of an existing resource group: references become resourceId(),
/// reference() and list*() expressions, vault secrets become resources, and what ARM has no resource for (an image that
/// is built, the value of a config) becomes a parameter with a description. Outputs are the URLs of public apps.
std::string to_template(const graph::ResourceGraph& graph, const TemplateScope& scope = {});

/// The same in Bicep, with a comment above each resource that names the Compose line it comes from.
std::string to_bicep(const graph::ResourceGraph& graph, const TemplateScope& scope = {});

/// The parameters of both, in their order.
struct TemplateParameter {
  std::string name;
  bool is_secret = false;
  std::string description;
};
std::vector<TemplateParameter> template_parameters(const graph::ResourceGraph& graph);

/// The nodes of the plan and what each needs, as a picture: for Graphviz, or ready to be looked at.
std::string to_dot(const graph::ResourceGraph& graph);
std::string to_svg(const graph::ResourceGraph& graph);

/// design.md section 5: {"resources": [...], "actions": [...]}.
std::string to_plan_json(const graph::ResourceGraph& graph);

}  // namespace defang::arm
