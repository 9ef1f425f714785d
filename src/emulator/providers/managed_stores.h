#pragma once

#include "emulator/core.h"

namespace defang::emulator {

/// Databases, caches and models as ARM sees them; one file each. What answers at their addresses: StoreKeeper.
void add_postgresql(Core& core);
void add_redis_enterprise(Core& core);
void add_cognitive_services(Core& core);
void add_mongo_clusters(Core& core);
void add_mysql(Core& core);

/// The data plane of models (model_answers.cc); its keys are ids of accounts.
inline constexpr std::string_view kModelsEndpoint = "models";
void add_model_answers(Core& core);

}  // namespace defang::emulator
