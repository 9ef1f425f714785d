#pragma once

#include "emulator/core.h"

namespace defang::emulator {

/// Databases, caches and models as ARM sees them; one file each. Nothing answers at their addresses.
void add_postgresql(Core& core);
void add_redis_enterprise(Core& core);
void add_cognitive_services(Core& core);
void add_mongo_clusters(Core& core);
void add_mysql(Core& core);

}  // namespace defang::emulator
