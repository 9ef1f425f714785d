#pragma once

#include <string>

#include "rest/arm_client.h"
#include "rest/cloud.h"
#include "rest/credential.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/disk.h"
#include "support/process.h"

namespace defang::deploy {

/// Everything that this room needs of the world, put together by who opened the session. Must outlive its users.
struct AzureAccess {
  rest::ArmClient& arm;
  rest::Pipeline& pipeline;           // signs in where a call says for whom
  rest::Pipeline& unsigned_pipeline;  // SAS, account keys, public addresses
  rest::WriteFence& fence;            // of both pipelines
  rest::TokenCache& tokens;           // exchanged for a registry's own
  const rest::Cloud& cloud;
  std::string tenant;
  Clock& clock;
  Random& random;
  Disk& disk;
  Processes& processes;
};

}  // namespace defang::deploy
