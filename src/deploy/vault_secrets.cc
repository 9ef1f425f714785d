#include "deploy/vault_secrets.h"

#include <fmt/format.h>

#include <algorithm>

#include "azure/resource_types.h"
#include "deploy/diagnostics.h"
#include "deploy/json_path.h"
#include "deploy/known_errors.h"
#include "rest/azure_error.h"
#include "rest/vault_client.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::string_view kSecretType = "Microsoft.KeyVault/vaults/secrets";
constexpr std::string_view kVaultType = "Microsoft.KeyVault/vaults";
/// Says what a derived secret was made of, so that an unchanged one is not written again.
constexpr std::string_view kRecipeTag = "defang-recipe";

std::string api_version() { return std::string(azure::find_resource_type(kSecretType)->api_version); }

azure::ResourceId id_of(const azure::ResourceId& vault, const std::string& name) {
  return *azure::ResourceId::parse(vault.text() + "/secrets/" + name);
}

std::string vault_version() { return std::string(azure::find_resource_type(kVaultType)->api_version); }

azure::ResourceId deleted_vault_id(const StackScope& stack, const std::string& vault) {
  return *azure::ResourceId::parse(
      fmt::format("/subscriptions/{}/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}", stack.subscription,
                  stack.location, vault));
}

VaultSecret parse_secret(const Json& body) {
  VaultSecret secret;
  secret.name = text_at(body, "name");
  secret.name = secret.name.substr(secret.name.rfind('/') + 1);
  secret.pinned_uri = text_at(body, "properties.secretUriWithVersion");
  secret.version = secret.pinned_uri.substr(secret.pinned_uri.rfind('/') + 1);
  if (const auto* enabled = at_path(body, "properties.attributes.enabled"); enabled != nullptr && enabled->is_boolean())
    secret.enabled = enabled->get<bool>();
  if (const auto* updated = at_path(body, "properties.attributes.updated");
      updated != nullptr && updated->is_number_integer())
    secret.updated = updated->get<std::int64_t>();
  if (const auto* tags = at_path(body, "tags"); tags != nullptr && tags->is_object())
    for (const auto& [key, value] : tags->items())
      if (value.is_string()) secret.tags[key] = value.get<std::string>();
  if (const auto config = secret.tags.find(std::string(kConfigTag)); config != secret.tags.end())
    secret.config = config->second;
  if (const auto server = secret.tags.find(std::string(kRegistryTag)); server != secret.tags.end())
    secret.registry = server->second;
  if (const auto user = secret.tags.find(std::string(kRegistryUserTag)); user != secret.tags.end())
    secret.registry_user = user->second;
  return secret;
}

Result<VaultSecret> put_secret(rest::ArmClient& arm, const azure::ResourceId& vault, const std::string& name,
                               const Secret& value, bool enabled, const std::map<std::string, std::string>& tags,
                               std::stop_token stop) {
  const Json body = {{"tags", tags},
                     {"properties", {{"value", value.reveal()}, {"attributes", {{"enabled", enabled}}}}}};
  auto written = arm.put(id_of(vault, name), api_version(), body, {}, stop);
  if (!written) return fail(std::move(written.error().during(fmt::format("writing secret `{}`", name))));
  VaultSecret secret = parse_secret(*written);
  if (secret.version.empty())
    return fail(Error::Kind::invalid, "no-secret-version", fmt::format("secret `{}` has no version", name));
  return secret;
}

std::map<std::string, std::string> stack_tags(const NodeScope& scope) {
  return {{"defang-project", scope.stack().project}, {"defang-stack", scope.stack().stack}};
}

Outputs outputs_of(const VaultSecret& secret) {
  Outputs outputs;
  outputs.texts = {{"secretUri", secret.pinned_uri}, {"version", secret.version}};
  return outputs;
}

class Writer {
 public:
  Writer(const graph::Action& action, const graph::WriteSecret& write, const AzureAccess& access, NodeScope& scope,
         std::stop_token stop)
      : action_(action),
        name_(write.name),
        access_(access),
        scope_(scope),
        stop_(stop),
        vault_(resource_id(scope.graph(), *scope.graph().resource(write.vault), scope.stack())) {}

  Result<Outputs> operator()(const graph::ConfigRecipe& recipe) {
    return what_is_there(config_missing(recipe.name, action_.origin));
  }

  Result<Outputs> operator()(const graph::LoginRecipe& recipe) {
    return what_is_there(login_missing(recipe.server, action_.origin));
  }

  Result<Outputs> operator()(const graph::GeneratedRecipe& recipe) {
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault_, name_, stop_));
    const bool wanted = scope_.graph().nodes_with_wanted("value").contains(action_.id);
    if (found && found->enabled) {
      Outputs outputs = outputs_of(*found);
      outputs.unchanged = true;
      if (wanted) {
        TRY_ASSIGN(outputs.secrets["value"], value_of(found->pinned_uri));
      }
      return outputs;
    }
    const Secret value(base64url(access_.random.bytes(recipe.bytes)));
    TRY_ASSIGN(const auto written, write_secret(access_.arm, vault_, name_, value, stack_tags(scope_), stop_));
    Outputs outputs = outputs_of(written);
    if (wanted) outputs.secrets["value"] = value;
    return outputs;
  }

  Result<Outputs> operator()(const graph::ComposedRecipe& recipe) {
    std::string value, made_of = "1\n" + vault_.text() + "\n";
    for (const auto& piece : recipe.pieces) {
      if (const auto* text = std::get_if<std::string>(&piece)) {
        value += *text;
        made_of += fmt::format("text {}:{}\n", text->size(), *text);
        continue;
      }
      const auto& reference = std::get<graph::Reference>(piece);
      TRY_ASSIGN(const auto resolved, scope_.resolve(reference));
      const std::string part = resolved.is_string() ? resolved.get<std::string>() : resolved.dump();
      value += part;
      made_of += fmt::format("{}\n", stable(reference, part));
    }
    const Secret secret(std::move(value));
    auto tags = stack_tags(scope_);
    tags[std::string(kRecipeTag)] = sha256_hex(made_of).substr(0, 32);
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault_, name_, stop_));
    const bool as_wished = found && found->enabled && found->tags.contains(std::string(kRecipeTag)) &&
                           found->tags.at(std::string(kRecipeTag)) == tags.at(std::string(kRecipeTag));
    if (as_wished) {
      Outputs outputs = outputs_of(*found);
      outputs.unchanged = true;
      outputs.secrets["value"] = secret;
      return outputs;
    }
    TRY_ASSIGN(const auto written, write_secret(access_.arm, vault_, name_, secret, tags, stop_));
    Outputs outputs = outputs_of(written);
    outputs.secrets["value"] = secret;
    return outputs;
  }

  /// Compared by value: a digest in a tag, which every Reader sees, would let a short password be guessed.
  Result<Outputs> operator()(const graph::FileRecipe& recipe) {
    auto content = access_.disk.read(recipe.path);
    if (!content) return fail(std::move(content.error().during(fmt::format("reading `{}`", recipe.path))));
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault_, name_, stop_));
    if (found && found->enabled) {
      TRY_ASSIGN(const auto value, value_of(found->pinned_uri));
      if (value.reveal() == *content) {
        Outputs outputs = outputs_of(*found);
        outputs.unchanged = true;
        outputs.secrets["value"] = value;
        return outputs;
      }
    }
    const Secret value(std::move(*content));
    TRY_ASSIGN(const auto written, write_secret(access_.arm, vault_, name_, value, stack_tags(scope_), stop_));
    Outputs outputs = outputs_of(written);
    outputs.secrets["value"] = value;
    return outputs;
  }

 private:
  /// The user wrote it.
  Result<Outputs> what_is_there(Error if_missing) {
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault_, name_, stop_));
    if (!found || !found->enabled) return fail(std::move(if_missing));
    Outputs outputs = outputs_of(*found);
    outputs.unchanged = true;
    if (scope_.graph().nodes_with_wanted("value").contains(action_.id)) {
      TRY_ASSIGN(outputs.secrets["value"], value_of(found->pinned_uri));
    }
    return outputs;
  }

  /// A config goes in by its version: a tag that everybody reads must not let short values be guessed.
  std::string stable(const graph::Reference& reference, const std::string& part) {
    if (reference.kind == graph::Reference::Kind::output && reference.path == "value") {
      auto version = reference;
      version.path = "version";
      if (const auto known = scope_.resolve(version); known && known->is_string())
        return "version " + known->get<std::string>();
    }
    return "digest " + sha256_hex(vault_.text() + "\n" + part);
  }

  /// The right to read may just have been given.
  Result<Secret> value_of(const std::string& pinned_uri) {
    const auto started = access_.clock.elapsed();
    for (auto pause = 500ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 15s)) {
      auto value = rest::read_secret(pinned_uri, access_.cloud, access_.pipeline, stop_);
      if (value) return value;
      if (access_.clock.elapsed() - started > worth_repeating(value.error(), scope_.rights_are_fresh())) return value;
      scope_.waiting("the right to read the vault has not spread yet; trying again");
      if (!access_.clock.sleep_for(pause, stop_)) return stopped();
    }
  }

  const graph::Action& action_;
  const std::string& name_;
  const AzureAccess& access_;
  NodeScope& scope_;
  std::stop_token stop_;
  azure::ResourceId vault_;
};

}  // namespace

azure::ResourceId vault_id(const StackScope& stack, const std::string& vault) {
  return azure::ResourceId::resource(stack.subscription, stack.group, kVaultType, vault);
}

Result<std::optional<VaultSecret>> read_secret(rest::ArmClient& arm, const azure::ResourceId& vault,
                                               const std::string& name, std::stop_token stop) {
  TRY_ASSIGN(const auto body, arm.get(id_of(vault, name), api_version(), stop));
  if (!body) return std::optional<VaultSecret>();
  return std::optional(parse_secret(*body));
}

Result<VaultSecret> write_secret(rest::ArmClient& arm, const azure::ResourceId& vault, const std::string& name,
                                 const Secret& value, const std::map<std::string, std::string>& tags,
                                 std::stop_token stop) {
  return put_secret(arm, vault, name, value, true, tags, stop);
}

Result<std::vector<VaultSecret>> list_secrets(rest::ArmClient& arm, const azure::ResourceId& vault,
                                              std::stop_token stop) {
  auto list = arm.list(vault.text() + "/secrets", api_version(), stop);
  if (!list && list.error().http_status == 404) return std::vector<VaultSecret>();
  if (!list) return fail(std::move(list.error()));
  std::vector<VaultSecret> secrets;
  for (const auto& body : *list)
    if (auto secret = parse_secret(body); secret.enabled) secrets.push_back(std::move(secret));
  std::ranges::sort(secrets, {}, &VaultSecret::name);
  return secrets;
}

Result<void> remove_secret(rest::ArmClient& arm, const azure::ResourceId& vault, const VaultSecret& secret,
                           std::stop_token stop) {
  auto tags = secret.tags;
  // What has no user's name is neither a config nor a login.
  for (const auto tag : {kConfigTag, kRegistryTag}) tags.erase(std::string(tag));
  TRY(put_secret(arm, vault, secret.name, Secret("removed"), false, tags, stop));
  return {};
}

Result<void> recover_vault(const AzureAccess& access, const StackScope& stack, const std::string& vault,
                           std::stop_token stop) {
  const std::string version = vault_version();
  const auto deleted = deleted_vault_id(stack, vault);
  const auto id = vault_id(stack, vault);
  const auto found = access.arm.get(deleted, version, stop);
  // Who may not look at deleted vaults hears of it from the PUT that follows.
  if (!found || !*found) return {};
  const std::string was = text_at(**found, "properties.vaultId");
  if (!equals_ignoring_case(was, id.text())) return fail(vault_name_taken(vault, was));
  const Json body = {
      {"location", stack.location},
      {"properties",
       {{"createMode", "recover"}, {"tenantId", access.tenant}, {"sku", {{"family", "A"}, {"name", "standard"}}}}}};
  auto recovered = access.arm.put(id, version, body, {}, stop);
  if (!recovered) return fail(std::move(recovered.error().during(fmt::format("recovering vault `{}`", vault))));
  return {};
}

Result<void> purge_vault(const AzureAccess& access, const StackScope& stack, const std::string& vault,
                         std::stop_token stop) {
  const auto deleted = deleted_vault_id(stack, vault);
  TRY_ASSIGN(const auto found, access.arm.get(deleted, vault_version(), stop));
  if (!found) return {};
  auto purged = access.arm.post(deleted, "purge", vault_version(), Json::object(), {}, stop);
  if (!purged) return fail(std::move(purged.error().during(fmt::format("purging vault `{}`", vault))));
  return {};
}

Result<Outputs> run_write_secret(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                                 std::stop_token stop) {
  const auto& write = std::get<graph::WriteSecret>(action.what);
  return std::visit(Writer(action, write, access, scope, stop), write.recipe);
}

}  // namespace defang::deploy
