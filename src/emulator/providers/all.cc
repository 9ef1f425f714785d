#include "emulator/providers/all.h"

#include "emulator/providers/identity_endpoint.h"
#include "emulator/providers/managed_stores.h"

namespace defang::emulator {

void add_all_providers(Core& core) {
  add_entra(core);
  add_resources(core);
  add_deployments(core);
  add_authorization(core);
  add_managed_identity(core);
  add_identity_endpoint(core);
  add_governance(core);
  add_key_vault(core);
  add_network(core);
  add_network_types(core);
  add_operational_insights(core);
  add_log_queries(core);
  add_resource_graph(core);
  add_retail_prices(core);
  add_private_dns(core);
  add_public_dns(core);
  add_public_names(core);
  add_private_endpoints(core);
  add_storage(core);
  add_postgresql(core);
  add_redis_enterprise(core);
  add_cognitive_services(core);
  add_mongo_clusters(core);
  add_mysql(core);
  add_private_link_targets(core);
}

}  // namespace defang::emulator
