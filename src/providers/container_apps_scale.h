#pragma once

#include "compose/project.h"
#include "graph/value.h"
#include "providers/container_apps_ingress.h"

namespace defang::providers {

/// Body of `template.scale`: the replicas that `deploy.replicas` says, or the range and rules of
/// `x-defang-autoscaling`.
graph::Value scale(const compose::Service& service, const Ingress& ingress, Diagnostics& diagnostics);

}  // namespace defang::providers
