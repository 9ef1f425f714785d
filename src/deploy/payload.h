#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "deploy/build_image.h"
#include "deploy/deployment.h"
#include "deploy/teardown.h"

namespace defang::deploy {

/// All that a run in Azure needs and cannot ask for there. Values of config and files are not in it: the vault has
/// them.
struct Payload {
  Prepared prepared;  // its graph is the job's (plan/detached.h); without `before`, which is read anew
  DeploymentOptions options;
  PackedContexts contexts;
  std::optional<TeardownOptions> down;  // the run takes the stack away; then there is no graph
};

std::string write_payload(const Payload& payload);
/// Error payload-invalid, or graph-invalid: another version of this program wrote it.
Result<Payload> read_payload(std::string_view text);

}  // namespace defang::deploy
