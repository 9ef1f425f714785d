#include "azure/names.h"

#include <algorithm>
#include <array>

#include "azure/location.h"
#include "plan/plan.h"
#include "plan/scope.h"
#include "providers/key_vault.h"
#include "support/text.h"

namespace defang::plan {

providers::StackScope scope_of(const std::string& project, const Stack& stack, bool can_assign_roles) {
  // Offline nobody knows the subscription; the plan is whole all the same, and a template says these relatively.
  const auto location = azure::Location::parse(stack.location);
  return {.project = project,
          .stack = stack.name,
          .subscription_id = stack.subscription_id.empty() ? kUnknownId : stack.subscription_id,
          .tenant_id = stack.tenant_id.empty() ? kUnknownId : stack.tenant_id,
          .location = location ? location->text() : stack.location,
          .group = resource_group_name(project, stack),
          .vnet_range = stack.vnet_range,
          .can_assign_roles = can_assign_roles,
          .mode = stack.mode};
}

std::string resource_group_name(const std::string& project, const Stack& stack) {
  const auto location = azure::Location::parse(stack.location);
  const auto wanted = "defang-" + project + "-" + stack.name + "-" + (location ? location->text() : stack.location);
  return azure::legal_name(*azure::find_resource_type("Microsoft.Resources/resourceGroups"), wanted, wanted);
}

std::optional<providers::Mode> parse_mode(std::string_view name) {
  struct Name {
    std::string_view name;
    providers::Mode mode;
  };
  using enum providers::Mode;
  constexpr auto kNames = std::to_array<Name>({{"affordable", affordable},
                                               {"balanced", balanced},
                                               {"cheap", affordable},
                                               {"development", affordable},
                                               {"ha", high_availability},
                                               {"high_availability", high_availability},
                                               {"production", high_availability},
                                               {"staging", balanced}});
  const auto found = std::ranges::find(kNames, replace_all(to_lower(name), "-", "_"), &Name::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->mode);
}

std::string model_account_name(const std::string& project, const Stack& stack) {
  return providers::model_account_name(scope_of(project, stack));
}

std::string vault_name(const std::string& project, const Stack& stack) {
  return scope_of(project, stack).global_name_for("Microsoft.KeyVault/vaults");
}

std::string storage_name(const std::string& project, const Stack& stack) {
  return scope_of(project, stack).global_name_for("Microsoft.Storage/storageAccounts");
}

std::string config_secret_name(std::string_view name) { return providers::config_secret_name(name); }

}  // namespace defang::plan
