#include "deploy/state_storage.h"

#include <fmt/format.h>

#include "azure/resource_types.h"
#include "deploy/json_path.h"

namespace defang::deploy {

Result<rest::BlobClient> open_storage(const AzureAccess& access, const StackScope& scope, const std::string& account,
                                      std::stop_token stop) {
  constexpr std::string_view kType = "Microsoft.Storage/storageAccounts";
  const auto id = azure::ResourceId::resource(scope.subscription, scope.group, kType, account);
  const std::string version(azure::find_resource_type(kType)->api_version);
  TRY_ASSIGN(const auto found, access.arm.get(id, version, stop));
  if (!found)
    return fail(
        {.kind = Error::Kind::refused,
         .code = "no-such-stack",
         .message = fmt::format("project `{}` has no stack `{}` in {}", scope.project, scope.stack, scope.location),
         .help = "`defang compose ls` lists the stacks; AZURE_LOCATION says where to look"});
  TRY_ASSIGN(const auto keys, access.arm.post(id, "listKeys", version, nlohmann::json::object(), {}, stop));
  return rest::BlobClient(
      {account, text_at(*found, "properties.primaryEndpoints.blob"), Secret(text_at(keys, "keys[0].value"))},
      access.unsigned_pipeline, access.clock);
}

}  // namespace defang::deploy
