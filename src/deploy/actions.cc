#include "deploy/actions.h"

#include "deploy/await.h"
#include "deploy/vault_secrets.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

struct RunAction {
  const graph::Action& action;
  const AzureAccess& access;
  const PackedContexts* packed;
  NodeScope& scope;
  std::stop_token stop;

  Result<Outputs> operator()(const graph::BuildImage&) const {
    return run_build_image(action, access, packed, scope, stop);
  }
  Result<Outputs> operator()(const graph::WriteSecret&) const { return run_write_secret(action, access, scope, stop); }
  Result<Outputs> operator()(const graph::AwaitRevision&) const {
    return run_await_revision(action, access, scope, stop);
  }
  Result<Outputs> operator()(const graph::RunJob&) const { return run_job(action, access, scope, stop); }
};

class AzureActions : public Actions {
 public:
  AzureActions(const AzureAccess& access, const PackedContexts* packed) : access_(access), packed_(packed) {}

  Result<Outputs> run(const graph::Action& action, NodeScope& scope, std::stop_token stop) override {
    return std::visit(RunAction{action, access_, packed_, scope, stop}, action.what);
  }

  std::function<std::optional<Error>()> watchdog(const graph::Resource& resource, const std::optional<Json>& before,
                                                 NodeScope& scope, std::stop_token stop) override {
    return app_watchdog(resource, before, access_, scope, stop);
  }

  Result<void> before_create(const graph::Resource& resource, NodeScope& scope, std::stop_token stop) override {
    if (!equals_ignoring_case(resource.type, "Microsoft.KeyVault/vaults")) return {};
    return recover_vault(access_, scope.stack(), resource.name, stop);
  }

 private:
  const AzureAccess& access_;
  const PackedContexts* packed_;
};

}  // namespace

std::unique_ptr<Actions> make_actions(const AzureAccess& access, const PackedContexts* packed) {
  return std::make_unique<AzureActions>(access, packed);
}

}  // namespace defang::deploy
