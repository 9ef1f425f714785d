#include "providers/container_registry.h"

namespace defang::providers {

using graph::Value;

graph::Resource registry(const StackScope& scope) {
  constexpr std::string_view kType = "Microsoft.ContainerRegistry/registries";
  auto registry =
      make_resource(scope, kRegistry, kType, scope.global_name_for(kType),
                    Value::Map{{"sku", Value::Map{{"name", "Basic"}}},
                               {"properties", Value::Map{{"adminUserEnabled", !scope.can_assign_roles},  // ACR-4
                                                         {"publicNetworkAccess", "Enabled"}}}});         // ACR-33
  registry.because = "images are built and kept there";
  registry.retention = graph::Retention::shared;
  return registry;
}

}  // namespace defang::providers
