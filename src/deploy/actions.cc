#include "deploy/actions.h"

#include "deploy/await.h"
#include "deploy/build_image.h"
#include "deploy/vault_secrets.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

struct RunOf {
  using Function = Result<Outputs> (*)(const graph::Action&, const AzureAccess&, NodeScope&, std::stop_token);
  Function operator()(const graph::BuildImage&) const { return run_build_image; }
  Function operator()(const graph::WriteSecret&) const { return run_write_secret; }
  Function operator()(const graph::AwaitRevision&) const { return run_await_revision; }
  Function operator()(const graph::RunJob&) const { return run_job; }
};

class AzureActions : public Actions {
 public:
  explicit AzureActions(const AzureAccess& access) : access_(access) {}

  Result<Outputs> run(const graph::Action& action, NodeScope& scope, std::stop_token stop) override {
    return std::visit(RunOf(), action.what)(action, access_, scope, stop);
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
};

}  // namespace

std::unique_ptr<Actions> make_actions(const AzureAccess& access) { return std::make_unique<AzureActions>(access); }

}  // namespace defang::deploy
