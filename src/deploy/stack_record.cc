#include "deploy/stack_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/template.h"
#include "azure/resource_types.h"
#include "deploy/build_context.h"
#include "deploy/decide.h"
#include "deploy/json_path.h"
#include "rest/azure_error.h"
#include "rest/blob_client.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 2;
constexpr const char* kContainer = "state";
constexpr const char* kBlob = "runs/last.json";
constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kStorageType = "Microsoft.Storage/storageAccounts";
constexpr std::string_view kRoleType = "Microsoft.Authorization/roleAssignments";
/// `$expand` as the recordings have it ("deployment stacks").
constexpr std::string_view kMarkedResources = "/resources?$expand=createdTime%2CchangedTime%2CprovisioningState";
constexpr std::string_view kResourcesVersion = "2024-03-01";

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

std::string mark_of(const Json& resource) {
  return fmt::format("{} {} {}", text_at(resource, "changedTime"), text_at(resource, "provisioningState"),
                     text_at(resource, fmt::format("tags.{}", kHashTag)));
}

std::string group_path(const StackScope& scope) {
  return azure::ResourceId::group(scope.subscription, scope.group).text();
}

azure::ResourceId id_of(const StackScope& scope, std::string_view type, const std::string& name) {
  return azure::ResourceId::resource(scope.subscription, scope.group, std::string(type), name);
}

Result<void> add_marks(StackView& view, rest::ArmClient& arm, const StackScope& scope, std::stop_token stop) {
  auto list = arm.list(group_path(scope) + std::string(kMarkedResources), std::string(kResourcesVersion), stop);
  if (!list && (list.error().http_status == 404 || rest::means_absent(list.error()))) return {};
  if (!list) return fail(std::move(list.error()));
  view.exists = true;
  for (const auto& resource : *list) view.marks[to_lower(text_at(resource, "id"))] = mark_of(resource);
  return {};
}

Result<std::string> roles_digest(rest::ArmClient& arm, const std::string& group,
                                 const std::vector<azure::ResourceId>& grants, std::stop_token stop) {
  TRY_ASSIGN(const auto roles, arm.list(group + "/providers/" + std::string(kRoleType), version_of(kRoleType), stop));
  std::vector<std::string> ids;
  for (const auto& role : roles)
    if (const auto id = to_lower(text_at(role, "id")); id.starts_with(to_lower(group))) ids.push_back(id);
  for (const auto& grant : grants) {
    const auto found = arm.get(grant, version_of(kRoleType), stop);
    if (!found && found.error().kind != Error::Kind::refused) return fail(found.error());
    if (!found || *found) ids.push_back(to_lower(grant.text()));  // who may not look takes it to be there
  }
  std::ranges::sort(ids);
  return sha256_hex(join(ids, "\n"));
}

Result<std::optional<StackRecord>> read_record(const AzureAccess& access, const azure::ResourceId& storage,
                                               std::stop_token stop) {
  TRY_ASSIGN(const auto account, access.arm.get(storage, version_of(kStorageType), stop));
  if (!account) return std::optional<StackRecord>();
  TRY_ASSIGN(const Json keys, access.arm.post(storage, "listKeys", version_of(kStorageType), Json::object(), {}, stop));
  rest::BlobClient blobs({storage.last_name(), text_at(*account, "properties.primaryEndpoints.blob"),
                          Secret(text_at(keys, "keys[0].value"))},
                         access.unsigned_pipeline, access.clock);
  TRY_ASSIGN(const auto blob, blobs.get(kContainer, kBlob, stop));
  return blob ? parse_record(blob->content) : std::nullopt;
}

Result<void> add_secrets_and_roles(StackView& view, rest::ArmClient& arm, const StackScope& scope,
                                   const StackNames& names, const plan::SharedRegistries& registries,
                                   std::stop_token stop) {
  TRY_ASSIGN(view.secrets, list_secrets(arm, vault_id(scope, names.vault), stop));
  TRY_ASSIGN(view.roles, roles_digest(arm, group_path(scope), grants_on(registries, scope), stop));
  return {};
}

/// CA-46 asks the revision; where the app was found up and nobody has touched it, its own words are enough.
bool is_up(const Json& app) {
  const std::string latest = text_at(app, "properties.latestRevisionName");
  const std::string status = text_at(app, "properties.runningStatus");
  return !latest.empty() && latest == text_at(app, "properties.latestReadyRevisionName") &&
         (status.empty() || equals_ignoring_case(status, "Running"));
}

}  // namespace

std::string to_text(const StackRecord& record) {
  return Json{{"v", kVersion},
              {"plan", record.plan},
              {"canAssignRoles", record.can_assign_roles},
              {"marks", record.marks},
              {"scales", record.scales},
              {"secrets", record.secrets},
              {"roles", record.roles},
              {"images", images_json(record.images)},
              {"registries", registries_json(record.registries)}}
      .dump();
}

std::optional<StackRecord> parse_record(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("v") || json.at("v") != kVersion) return std::nullopt;
  StackRecord record;
  try {
    record.plan = json.at("plan").get<std::string>();
    record.can_assign_roles = json.at("canAssignRoles").get<bool>();
    record.marks = json.at("marks").get<std::map<std::string, std::string>>();
    record.scales = json.at("scales").get<std::map<std::string, Json>>();
    record.secrets = json.at("secrets").get<std::string>();
    record.roles = json.at("roles").get<std::string>();
    record.images = images_of(json.at("images"));
    record.registries = registries_of(json.at("registries"));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  return record;
}

Json registries_json(const plan::SharedRegistries& registries) {
  Json json = Json::object();
  for (const auto& [server, registry] : registries)
    json[server] = registry
                       ? Json{{"id", registry->id}, {"pull", registry->pull}, {"byRepository", registry->by_repository}}
                       : Json();
  return json;
}

plan::SharedRegistries registries_of(const Json& json) {
  plan::SharedRegistries registries;
  for (const auto& [server, one] : json.items())
    registries[server] =
        one.is_null() ? std::nullopt
                      : std::optional(plan::SharedRegistry{.id = one.at("id"),
                                                           .pull = one.at("pull").get<plan::SharedRegistry::Pull>(),
                                                           .by_repository = one.at("byRepository")});
  return registries;
}

std::vector<azure::ResourceId> grants_on(const plan::SharedRegistries& registries, const StackScope& scope) {
  const plan::Stack stack{
      .name = scope.stack, .subscription_id = scope.subscription, .tenant_id = {}, .location = scope.location};
  std::vector<azure::ResourceId> grants;
  for (const auto& [server, registry] : registries)
    if (registry && registry->pull == plan::SharedRegistry::Pull::can_be_granted)
      grants.push_back(plan::pull_grant_id(scope.project, stack, *registry));
  return grants;
}

std::string digest_of(const std::vector<VaultSecret>& secrets) {
  std::string text;
  for (const auto& secret : secrets) text += fmt::format("{} {} {}\n", secret.name, secret.version, secret.config);
  return sha256_hex(text);
}

Result<StackView> look_at_stack(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                                std::stop_token stop) {
  StackView view;
  TRY(add_marks(view, access.arm, scope, stop));
  const auto storage = id_of(scope, kStorageType, names.storage);
  if (!view.marks.contains(to_lower(storage.text()))) return view;
  auto record = read_record(access, storage, stop);
  if (!record && record.error().kind == Error::Kind::stopped) return fail(std::move(record.error()));
  if (!record || !*record) return view;
  view.record = std::move(**record);
  TRY_ASSIGN(view.apps,
             access.arm.list(group_path(scope) + "/providers/" + std::string(kAppType), version_of(kAppType), stop));
  TRY(add_secrets_and_roles(view, access.arm, scope, names, view.record->registries, stop));
  return view;
}

PinnedImages recorded_images(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                             std::stop_token stop) {
  const auto record = read_record(access, id_of(scope, kStorageType, names.storage), stop);
  return record && *record ? (*record)->images : PinnedImages();
}

Result<StackView> look_again(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                             const plan::SharedRegistries& registries, std::stop_token stop) {
  StackView view;
  TRY(add_marks(view, access.arm, scope, stop));
  TRY(add_secrets_and_roles(view, access.arm, scope, names, registries, stop));
  return view;
}

Result<void> keep_record(rest::BlobClient& blobs, const StackRecord& record, std::stop_token stop) {
  TRY(blobs.put(kContainer, kBlob, rest::text_source(to_text(record)), {.content_type = "application/json"}, stop));
  return {};
}

Result<std::string> fingerprint(const graph::ResourceGraph& graph, const Disk& disk) {
  std::string text = arm::to_plan_json(graph);
  for (const auto& [id, node] : graph.nodes()) {
    const auto* action = std::get_if<graph::Action>(&node);
    if (action == nullptr) continue;
    if (const auto* build = std::get_if<graph::BuildImage>(&action->what)) {
      TRY_ASSIGN(const auto context, read_context(*build, disk));
      text += fmt::format("\n{} {}", id, image_tag(*build, context));
    }
    const auto* write = std::get_if<graph::WriteSecret>(&action->what);
    const auto* file = write != nullptr ? std::get_if<graph::FileRecipe>(&write->recipe) : nullptr;
    if (file != nullptr) {
      TRY_ASSIGN(const auto content, disk.read(file->path));
      text += fmt::format("\n{} {}", id, sha256_hex(content));
    }
  }
  return sha256_hex(text);
}

bool is_as_left(const StackView& view, const std::string& fingerprint) {
  return view.record && !fingerprint.empty() && view.record->plan == fingerprint && view.record->marks == view.marks &&
         view.record->secrets == digest_of(view.secrets) && view.record->roles == view.roles &&
         std::ranges::all_of(view.apps, is_up);
}

std::map<std::string, std::string> marks_to_keep(const StackView& before, const StackView& after,
                                                 const std::set<std::string>& written) {
  auto marks = after.marks;
  for (auto& [id, mark] : marks) {
    const auto was = before.marks.find(id);
    if (was != before.marks.end() && was->second != mark && !written.contains(id)) mark = was->second;
  }
  return marks;
}

}  // namespace defang::deploy
