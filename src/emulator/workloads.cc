#include "emulator/workloads.h"

#include <thread>

#include "emulator/providers/all.h"
#include "emulator/providers/app_keeper.h"
#include "emulator/providers/container_apps.h"
#include "emulator/providers/container_registry.h"
#include "emulator/providers/store_keeper.h"
#include "emulator/registry/public_registries.h"

namespace defang::emulator {

namespace {

/// Where each public app is reached from this machine.
Answer ingress_entries(const Runtime& runtime) {
  Json apps = Json::array();
  for (const IngressEntry& entry : runtime.ingress())
    apps.push_back({{"id", entry.app}, {"url", entry.url}, {"fqdn", entry.fqdn}});
  return json_answer(200, {{"apps", std::move(apps)}, {"engine", runtime.engine()}});
}

}  // namespace

Result<std::unique_ptr<Workloads>> Workloads::make(Core& core, const std::filesystem::path& folder,
                                                   const MakeRuntime& make_runtime) {
  std::unique_ptr<Workloads> made(new Workloads);
  made->access_ = std::make_unique<CoreRegistryAccess>(core);
  made->registries_ = make_registries(folder, *made->access_, core.clock(), core.random());
  TRY_ASSIGN(made->runtime_, make_runtime(*made->registries_));
  core.attach(*made->runtime_);
  made->apps_ = std::make_unique<AppKeeper>(core, *made->runtime_, *made->registries_);
  made->runs_ = std::make_unique<RegistryRuns>(core, *made->runtime_, *made->registries_);
  core.add_route(
      {.method = "GET",
       .pattern = "/emulator/ingress",
       .access = Route::Access::everyone,
       .answer = [runtime = made->runtime_.get()](Core&, const Request&) { return ingress_entries(*runtime); }});
  add_microsoft_app(core, *made->apps_);
  add_public_registries(core, *made->runtime_);
  add_container_registry(core, *made->registries_, *made->runs_);
  add_private_link_targets(core);
  return made;
}

Workloads::~Workloads() = default;

void Workloads::keep_stores(Core& core, Processes& processes, const CertificateAuthority& authority) {
  if (auto* servers = runtime_->private_servers())
    stores_ = std::make_unique<StoreKeeper>(core, *servers, processes, authority);
}

void Workloads::resume() {
  runs_->resume();
  if (stores_) stores_->resume();
  apps_->resume();
  if (stores_) stores_->resume();  // names in the environments, which are there now
}

void Workloads::watch(std::stop_token stop) {
  std::jthread stores;
  if (stores_) stores = std::jthread([&](std::stop_token ends) { stores_->watch(ends); });
  apps_->watch(stop);
}

void Workloads::stop() {
  runs_.reset();
  runtime_->stop();
}

}  // namespace defang::emulator
