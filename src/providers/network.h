#pragma once

#include <string>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// What the stack's services need of its network beside the apps' subnet.
struct NetworkNeeds {
  bool storage_from_apps = false;  // a service endpoint: NFS shares let nobody else in (CA-112)
  bool postgres = false;           // a subnet of their own for PostgreSQL servers (PG-8)
  bool mysql = false;              // and one for MySQL servers (DB-6)
  bool private_endpoints = false;  // and one for the doors of other stores (NET-2)
};

/// The stack's network and, one after another as child resources (NET-1), its subnets.
std::vector<graph::Resource> network(const StackScope& scope, const NetworkNeeds& needs = {});

/// A name that only the stack's network resolves, and the network's link to it. Node "dns/{zone}/link" comes last.
std::vector<graph::Resource> private_zone(const StackScope& scope, const std::string& zone);
/// "dns/{zone}/link": what must stand before anybody asks for a name in the zone.
std::string private_zone_node(const std::string& zone);

/// The door in the stack's network to a resource: an endpoint, and its names in `zones` (NET-5). Node
/// "endpoint/{name}/names" comes last.
struct PrivateEndpoint {
  std::string name;      // of the service
  std::string resource;  // node
  std::string group;     // NET-6: "redisEnterprise"
  std::vector<std::string> zones;
};
std::vector<graph::Resource> private_endpoint(const StackScope& scope, const PrivateEndpoint& endpoint);

/// "10.0.0.0/16" -> "10.0.0.0/23": what the apps get of the stack's range.
std::string apps_range(const std::string& vnet_range);

}  // namespace defang::providers
