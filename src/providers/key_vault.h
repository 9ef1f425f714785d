#pragma once

#include <string>
#include <string_view>

#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's vault. It answers to roles; without the right to assign any, to access policies for the apps' identity
/// and for who deploys (`deployer_id`, empty when unknown).
graph::Resource vault(const StackScope& scope, const std::string& deployer_id);

/// The vault secret that holds config `name`. Vaults know neither underscores nor case (ARM-74, KV-11, KV-12), so any
/// name but plain upper-case ones ends in a hash.
std::string config_secret_name(std::string_view name);

/// The vault secret of something that we derive ourselves: never the name of a config.
std::string derived_secret_name(std::string_view what);

}  // namespace defang::providers
