#include "providers/operational_insights.h"

namespace defang::providers {

using graph::Value;

graph::Resource workspace(const StackScope& scope) {
  constexpr std::string_view kType = "Microsoft.OperationalInsights/workspaces";
  // CA-156: 30 days are the least that the SKU keeps; without a daily cap one chatty service costs hundreds a month.
  auto workspace =
      make_resource(scope, kWorkspace, kType, scope.name_for(kType),
                    Value::Map{{"properties", Value::Map{{"sku", Value::Map{{"name", "PerGB2018"}}},
                                                         {"retentionInDays", 30},
                                                         {"workspaceCapping", Value::Map{{"dailyQuotaGb", 1}}}}}});
  workspace.because = "logs of all services are kept there";
  workspace.retention = graph::Retention::shared;
  return workspace;
}

}  // namespace defang::providers
