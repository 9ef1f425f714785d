#include "providers/network.h"

#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {
constexpr std::string_view kNetworkType = "Microsoft.Network/virtualNetworks";
constexpr std::string_view kSubnetType = "Microsoft.Network/virtualNetworks/subnets";
// CA-3: 498 usable addresses, enough for some 5,000 replicas.
constexpr std::string_view kAppsPrefix = "/23";
}  // namespace

std::string apps_range(const std::string& vnet_range) {
  return vnet_range.substr(0, vnet_range.find('/')) + std::string(kAppsPrefix);
}

std::vector<graph::Resource> network(const StackScope& scope) {
  const auto name = scope.name_for(kNetworkType);
  auto vnet = make_resource(
      scope, kNetwork, kNetworkType, name,
      Value::Map{{"properties",
                  Value::Map{{"addressSpace", Value::Map{{"addressPrefixes", Value::List{scope.vnet_range}}}}}}});
  vnet.because = "every stack has its own network";
  vnet.retention = graph::Retention::shared;

  // CA-2: an environment with workload profiles wants a subnet of its own, delegated to it.
  auto apps = make_resource(
      scope, kAppsSubnet, kSubnetType, name + "/apps",
      Value::Map{{"properties",
                  Value::Map{{"addressPrefix", apps_range(scope.vnet_range)},
                             {"delegations",
                              Value::List{Value::Map{
                                  {"name", "container-apps"},
                                  {"properties", Value::Map{{"serviceName", "Microsoft.App/environments"}}}}}}}}});
  apps.because = "the environment runs in it";
  apps.retention = graph::Retention::shared;
  apps.after.push_back({std::string(kNetwork), ""});
  return {std::move(vnet), std::move(apps)};
}

}  // namespace defang::providers
