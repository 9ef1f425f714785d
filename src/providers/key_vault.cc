#include "providers/key_vault.h"

#include <algorithm>

#include "azure/names.h"
#include "azure/resource_types.h"
#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.KeyVault/vaults";
constexpr std::size_t kLongestSecretName = 127;  // ARM-74

Value access_policy(const StackScope& scope, Value object_id, Value::List permissions) {
  return Value::Map{{"tenantId", scope.tenant_id},
                    {"objectId", std::move(object_id)},
                    {"permissions", Value::Map{{"secrets", std::move(permissions)}}}};
}

Value::List access_policies(const StackScope& scope, const std::string& deployer_id) {
  Value::List policies = {
      access_policy(scope, property_of(kSecretsIdentity, "properties.principalId"), Value::List{"get"})};
  if (!deployer_id.empty())
    policies.push_back(access_policy(scope, deployer_id, Value::List{"get", "list", "set", "delete", "recover"}));
  return policies;
}

std::string cut(std::string text, const std::string& tail) {
  const auto room = kLongestSecretName - tail.size() - 1;
  if (text.size() > room) text.resize(room);
  return text.empty() ? tail : text + "-" + tail;
}

std::string dashed(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    text += plain ? c : '-';
  }
  return text;
}

}  // namespace

graph::Resource vault(const StackScope& scope, const std::string& deployer_id) {
  Value::Map properties = {
      {"tenantId", scope.tenant_id},
      {"sku", Value::Map{{"family", "A"}, {"name", "standard"}}},
      {"enableRbacAuthorization", scope.can_assign_roles},  // KV-6: the default depends on the API version
      {"enableSoftDelete", true},
      {"softDeleteRetentionInDays", 7},
      // Laptop, registry tasks and the apps' secret fetch come from outside (KV-17); identity guards it.
      {"publicNetworkAccess", "Enabled"},
  };
  // KV-1: required, even when empty, unless roles rule.
  properties.emplace_back("accessPolicies",
                          scope.can_assign_roles ? Value::List{} : access_policies(scope, deployer_id));
  auto vault = make_resource(scope, kVault, kType, scope.global_name_for(kType),
                             Value::Map{{"properties", std::move(properties)}});
  vault.because = "config and derived secrets are kept there";
  vault.retention = graph::Retention::shared;
  return vault;
}

std::string config_secret_name(std::string_view name) {
  const bool plain =
      !name.empty() && name.front() != '_' && name.back() != '_' && name.find("__") == std::string_view::npos &&
      name.size() <= kLongestSecretName &&
      std::ranges::all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  if (plain) return dashed(name);
  return cut(dashed(name), azure::short_hash(name, 8));
}

std::string derived_secret_name(std::string_view what) {
  return cut("defang--" + to_lower(dashed(what)), azure::short_hash(what, 8));
}

}  // namespace defang::providers
