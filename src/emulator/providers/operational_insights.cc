// Microsoft.OperationalInsights: Log Analytics workspaces. Logs are not kept here; Container Apps has its own.
#include <fmt/format.h>

#include "emulator/providers/all.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

std::string etag(Core& core) { return fmt::format("\"{}\"", core.random().uuid()); }

std::optional<Answer> write_workspace(Write& write) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  const std::string now = core.now_text();
  const auto before = [&](const char* name, Json otherwise) {
    const Json* old = write.existing == nullptr ? nullptr : find_member(write.existing->properties(), name);
    return old == nullptr ? otherwise : *old;
  };
  const auto given = [&](const char* name, Json otherwise) {
    const Json* value = find_member(sent, name);
    return value == nullptr ? otherwise : *value;
  };
  const std::string sku = text_at(sent, "sku.name");
  Json features = {{"legacy", 0}, {"searchVersion", 1}, {"enableLogAccessUsingOnlyResourcePermissions", true}};
  if (const Json* wanted = find_member(sent, "features")) features.update(*wanted);
  Json properties = {{"customerId", before("customerId", core.random().uuid())},
                     {"provisioningState", "Succeeded"},
                     {"sku", {{"name", sku.empty() ? "PerGB2018" : sku}, {"lastSkuUpdate", now}}},
                     {"retentionInDays", given("retentionInDays", 30)},
                     {"features", features},
                     {"workspaceCapping",
                      {{"dailyQuotaGb", -1.0}, {"quotaNextResetTime", now}, {"dataIngestionStatus", "RespectQuota"}}},
                     {"publicNetworkAccessForIngestion", given("publicNetworkAccessForIngestion", "Enabled")},
                     {"publicNetworkAccessForQuery", given("publicNetworkAccessForQuery", "Enabled")},
                     {"createdDate", before("createdDate", now)},
                     {"modifiedDate", now}};
  if (const Json* cap = find_path(sent, "workspaceCapping.dailyQuotaGb"))
    properties["workspaceCapping"]["dailyQuotaGb"] = *cap;
  Json body = {{"properties", properties},
               {"location", to_lower(replace_all(text_at(write.next.body, "location"), " ", ""))}};
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["id"] = write.next.id;
  body["name"] = write.path.name();
  body["type"] = "Microsoft.OperationalInsights/workspaces";
  body["etag"] = etag(core);
  write.next.body = std::move(body);
  if (!write.next.hidden.contains("keys"))
    write.next.hidden["keys"] = {{"primarySharedKey", base64(core.random().bytes(64))},
                                 {"secondarySharedKey", base64(core.random().bytes(64))}};
  return std::nullopt;
}

Answer shared_keys(const Context& context) { return json_answer(200, context.existing->hidden["keys"]); }

}  // namespace

void add_operational_insights(Core& core) {
  using Kind = BodyCheck::Kind;
  core.add_type(
      {.type = "Microsoft.OperationalInsights/workspaces",
       .checks = {{.path = "properties.sku.name",
                   .kind = Kind::text,
                   .values = "Free|Standard|Premium|PerNode|PerGB2018|Standalone|CapacityReservation|LACluster",
                   .rule = "workspaces, REST reference"},
                  {.path = "properties.retentionInDays",
                   .kind = Kind::integer,
                   .min = 4,
                   .max = 730,
                   .rule = "workspaces, REST reference"},
                  {.path = "tags", .kind = Kind::object, .rule = "ARM-56"}},
       .default_code = "InvalidParameter",
       .write = write_workspace,
       // Templates ask by listKeys (recorded: azd-up-down.azd.CLI_Up_Down_ContainerApp_RemoteBuild).
       .actions = {{"POST sharedKeys", shared_keys},
                   {"POST listKeys", shared_keys},
                   {"POST regenerateSharedKey", shared_keys}}});
}

}  // namespace defang::emulator
