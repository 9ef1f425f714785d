#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "arm/template.h"

/// What the template in JSON and the one in Bicep have in common.
namespace defang::arm {

inline constexpr std::string_view kGroupType = "Microsoft.Resources/resourceGroups";
inline constexpr std::string_view kSecretType = "Microsoft.KeyVault/vaults/secrets";
inline constexpr std::string_view kDeploymentType = "Microsoft.Resources/deployments";
inline constexpr std::string_view kTemplateSchema =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
inline constexpr std::size_t kMostOutputs = 64;  // ARM-110

/// Letters, digits and underscores.
std::string identifier(std::string_view text);

/// Declared on first use, in that order; a second wish of another description gets another name.
class TemplateParameters {
 public:
  const std::string& name_of(const std::string& wanted, bool is_secret, const std::string& description);
  const std::string& image_of(const graph::Action& build);
  /// Of a secret whose value nobody but the one who deploys knows.
  const std::string& value_of(const graph::WriteSecret& secret);
  const std::vector<TemplateParameter>& all() const { return all_; }

 private:
  std::vector<TemplateParameter> all_;
  std::map<std::string, std::size_t> by_name_;  // lower case, as ARM compares
};

/// The resources and secrets that stand in the template for what a node needs. A built image is a parameter, so
/// nothing of the build remains; for other actions stands what they need themselves.
std::set<std::string> needed_nodes(const graph::ResourceGraph& graph, const std::string& id);

/// As `up` tags a secret: a later `up` finds its config by them.
graph::Value secret_tags(const graph::ResourceGraph& graph, const graph::WriteSecret& secret);

/// The group of what a role outside is about. In another group only a deployment of its own writes ("Deploy resources
/// to more than one resource group", Microsoft Learn), which has these properties; its expressions are the template's.
std::string group_of(const graph::Resource& outside_role);
graph::Value nested_deployment(const graph::Resource& outside_role);

/// "url_web" where the app answers HTTPS in public; empty otherwise.
std::string url_output(const graph::Resource& resource);

/// Templates know only functions that start with "list"; the keys of a workspace are its listKeys there. "Template
/// functions: list*", table of implementations.
std::string_view template_function(std::string_view function);

}  // namespace defang::arm
