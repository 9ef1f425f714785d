#pragma once

#include "emulator/core.h"

/// One function for each file of this folder.
namespace defang::emulator {

void add_entra(Core& core);          // sign-in, metadata
void add_resources(Core& core);      // subscriptions, groups, tags, provider registration
void add_deployments(Core& core);    // of templates
void add_authorization(Core& core);  // roles and their assignments
void add_managed_identity(Core& core);
void add_key_vault(Core& core);
void add_network(Core& core);        // virtual networks, subnets
void add_network_types(Core& core);  // security groups, addresses, gateways, load balancers ...
void add_private_endpoints(Core& core);
/// Connections at the resources that endpoints lead to; called when all types are known.
void add_private_link_targets(Core& core);
void add_operational_insights(Core& core);
void add_log_queries(Core& core);  // what containers wrote, by workspace
/// Documents that tell whose console a replica's was, kept when it is gone: {"replica", "owner" (name of the app or
/// job), "job", "revision", "environment", "workspace" (customer id), "containers"}. Written by the keeper of apps.
inline constexpr std::string_view kLoggedReplicas = "logged-replicas";
void add_resource_graph(Core& core);  // queries over what there is
void add_retail_prices(Core& core);
void add_private_dns(Core& core);
void add_public_dns(Core& core);
void add_public_names(Core& core);  // the name server's zones
void add_governance(Core& core);    // locks, policies
void add_storage(Core& core);

}  // namespace defang::emulator
